/** Where the system's Chromium may be; the first is the one that somebody names. */
import { existsSync } from 'node:fs';

const PLACES = [
  process.env.DRLS_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * How playwright-core launches it.
 *
 * @returns {{ executablePath: string, args: string[] }}
 */
export function installed() {
  const executablePath = PLACES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error('no Chromium: name one by DRLS_CHROMIUM');
  return { executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] };
}
