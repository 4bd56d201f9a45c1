import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Drives the real `drls` from outside, as tests/server/harness.py does for Python. */
export const TOP = resolve(import.meta.dirname, '../..');
export const BINARY = process.env.DRLS_BIN ?? join(TOP, 'target/release/drls');
export const PLUGINS = process.env.DRLS_PLUGINS ?? join(TOP, 'target/plugins');
const PYTHON = join(TOP, '.venv/bin/python');
const FRONTEND = join(TOP, 'frontend/dist');

/** A home in a folder of its own. */
export class Home {
  readonly folder: string;

  constructor(folder?: string) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'drls-e2e-'));
    if (folder) return;
    mkdirSync(join(this.folder, 'plugins'));
    for (const file of readdirSync(PLUGINS)) {
      if (file.endsWith('.wasm')) copyFileSync(join(PLUGINS, file), join(this.folder, 'plugins', file));
    }
  }

  drls(...words: string[]): string {
    return execFileSync(BINARY, ['--home', this.folder, ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Runs tests/e2e/browsed_tables.py on it. */
  lake(...words: string[]): void {
    execFileSync(PYTHON, [join(TOP, 'tests/e2e/browsed_tables.py'), this.folder, ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** Adds a user; gives the token. */
  user(name: string, role: string): string {
    return lastWord(this.drls('user', 'add', name, '--role', role, '--token'));
  }

  /** The code of a one-time sign-in link. */
  code(name: string): string {
    return (
      lastWord(this.drls('user', 'link', name))
        .split('code=')
        .at(-1) ?? ''
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function lastWord(said: string): string {
  return said.trim().split(/\s+/).at(-1) ?? '';
}

/** A server on a free port, or again on the one that it had. */
export class Server {
  private process: ChildProcess | null = null;
  private bind = '127.0.0.1:0';
  base = '';

  constructor(readonly home: Home) {}

  async start(): Promise<void> {
    if (!existsSync(join(FRONTEND, 'index.html'))) throw new Error(`${FRONTEND} is not there: scripts/console.sh`);
    const log = openSync(join(this.home.folder, 'server.log'), 'a');
    const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('DRLS_')));
    const child = spawn(BINARY, ['serve', '--home', this.home.folder, '--bind', this.bind], {
      stdio: ['ignore', 'pipe', log],
      env: { ...environment, FRONTEND_DIR: FRONTEND },
    });
    this.process = child;
    const found = await new Promise<string>((done, fail) => {
      let said = '';
      child.stdout?.on('data', (part: Buffer) => {
        said += part.toString();
        const at = /http:\/\/(127\.0\.0\.1:\d+)\//.exec(said)?.[1];
        if (at) done(at);
      });
      child.once('exit', (status) => fail(new Error(`drls ended with ${status ?? 'a signal'} and said ${said}`)));
    });
    this.bind = found;
    this.base = `http://${found}`;
  }

  /** Asks the interface as the user of a token; gives the body. */
  async ask(
    token: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const answer = await fetch(this.base + path, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text || 'null');
  }

  /** Adds a column and waits until it is there; gives the id of the job. */
  async addColumn(token: string, table: string, path: string): Promise<string> {
    const body = { table, path, type: 'long' };
    const { job } = (await this.ask(token, 'POST', '/api/evolve/add-column', body, { Prefer: 'wait=30' })) as {
      job: { id: string };
    };
    return job.id;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.process;
    this.process = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }
}

/** Waits for `true_` to hold. */
export async function until(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not in ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
