// Runs before the first paint, so that a chosen theme never flashes the other one. A file of its own: the server's
// Content-Security-Policy allows no inline script.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('drls.theme');
  } catch {
    // Storage may be forbidden; the system's theme holds then.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.classList.toggle('dark', dark);
})();
