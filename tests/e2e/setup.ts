import type { TestProject } from 'vitest/node';

import { Home, Server, until } from './rig';

declare module 'vitest' {
  interface ProvidedContext {
    base: string;
    home: string;
    tokens: Record<'admin' | 'operator' | 'viewer', string>;
  }
}

interface Listed {
  items: { name: string; health: unknown; error: unknown }[];
}

/** One home and one server for all files: the sample, and tables of every shape. Every table is judged before a test looks. */
export default async function setup(project: TestProject) {
  const home = new Home();
  home.drls('demo');
  home.lake();
  const tokens = {
    admin: home.user('ada', 'admin'),
    operator: home.user('olga', 'operator'),
    viewer: home.user('vera', 'viewer'),
  };
  const server = new Server(home);
  await server.start();
  await until(
    'every table is judged',
    async () => {
      // It answers 503 while the plugins are being loaded.
      const listed = (await server.ask(tokens.admin, 'GET', '/api/tables').catch(() => null)) as Listed | null;
      if (!listed) return false;
      return listed.items.every((table) => table.health !== null || table.error !== null);
    },
    300,
  );
  project.provide('base', server.base);
  project.provide('home', home.folder);
  project.provide('tokens', tokens);
  return async () => {
    await server.stop();
    home.remove();
  };
}
