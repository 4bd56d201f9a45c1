// Runs before the first paint and before the code is there. A file of its own: the server's Content-Security-Policy allows
// no inline script.
(function () {
  // A chosen theme never flashes the other one.
  var chosen = null;
  try {
    chosen = localStorage.getItem('drls.theme');
  } catch {
    // Storage may be forbidden; the system's theme holds then.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.classList.toggle('dark', dark);

  // Asked for while the code is on its way, which asks for the same and gets these answers: src/api/session.ts, tables.ts.
  var asked = ['/api/session'];
  if (/^\/(tables)?$/.test(location.pathname) && !location.search) asked.push('/api/tables?sort=score&limit=200');
  asked.forEach(function (path) {
    var link = document.createElement('link');
    link.rel = 'preload';
    link.as = 'fetch';
    link.crossOrigin = 'anonymous';
    link.href = path;
    document.head.append(link);
  });
})();
