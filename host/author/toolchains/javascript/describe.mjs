// Prints what a plugin's main file exports, as JSON: kind and facts. Argument: the main file, laid out for the build.
import { pathToFileURL } from 'node:url';

try {
  const { default: plugin } = await import(pathToFileURL(process.argv[2]).href);
  if (plugin?.kind === undefined) {
    throw new TypeError('plugin.js exports no plugin; end it with `export default healthRule({...})` or tableOperation({...})');
  }
  const facts = plugin.reads.map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).sort();
  console.log(JSON.stringify({ kind: plugin.kind, facts }));
} catch (error) {
  const own = (error.stack ?? '').split('\n').filter((line) => line.includes('/plugin/')).map((line) => line.replace(/file:.*\/plugin\//, ''));
  console.error([`${error}`, ...own].join('\n'));
  process.exitCode = 1;
}
