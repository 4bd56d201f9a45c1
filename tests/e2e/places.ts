import { inject } from 'vitest';

import { beside, type Role } from './browser';

export interface Place {
  /** That of its picture too. */
  name: string;
  path: string;
  /** What stands on it once it is whole. */
  whole: string;
  role: Role | null;
}

const FLIGHTS = '/tables/flights.flights';

/** Every page and tab of the console, and each look that one of them may have. JOB stands for that of `aJob`. */
export const PLACES: Place[] = [
  { name: 'sign-in', path: '/tables', whole: 'text=Lakehouse console', role: null },
  { name: 'tables', path: '/tables', whole: 'role=link[name=/^flights/]', role: 'admin' },
  { name: 'overview', path: `${FLIGHTS}/overview`, whole: 'role=button[name=/Compact/]', role: 'operator' },
  { name: 'schema', path: '/tables/shapes.nested/schema', whole: 'role=rowheader[name=/^lat/]', role: 'operator' },
  { name: 'rows', path: '/tables/shapes.nested/rows', whole: 'role=columnheader[name="region"]', role: 'operator' },
  { name: 'snapshots', path: '/tables/shapes.branches/snapshots', whole: 'text=audit', role: 'operator' },
  { name: 'files', path: `${FLIGHTS}/files`, whole: 'text=13 partitions', role: 'operator' },
  {
    name: 'operations',
    path: `${FLIGHTS}/operations?op=compact&plan=true`,
    whole: 'role=button[name="Run this plan"]',
    role: 'operator',
  },
  { name: 'no-operation', path: `${FLIGHTS}/operations`, whole: 'text=Nothing happens before', role: 'viewer' },
  {
    name: 'outcome',
    path: '/tables/work.past/operations?op=add-column&job=JOB',
    whole: 'role=button[name="Undo"]',
    role: 'operator',
  },
  { name: 'history', path: '/tables/work.past/history', whole: 'text=Table add column', role: 'operator' },
  { name: 'no-history', path: '/tables/shapes.empty/history', whole: 'text=Nothing was done here', role: 'viewer' },
  { name: 'no-table', path: '/tables/shapes.gone/overview', whole: 'role=alert', role: 'viewer' },
  { name: 'jobs', path: '/jobs', whole: 'role=link[name="Add column"]', role: 'operator' },
  { name: 'job', path: '/jobs/JOB', whole: 'text=What was promised', role: 'operator' },
  { name: 'plugins', path: '/plugins', whole: 'role=link[name="Small files"]', role: 'admin' },
  { name: 'plugin', path: '/plugins/small-files/overview', whole: 'text=Its life', role: 'admin' },
  { name: 'plugin-log', path: '/plugins/small-files/log', whole: 'role=heading[name="Log"]', role: 'admin' },
  {
    name: 'plugin-configuration',
    path: '/plugins/small-files/configuration',
    whole: 'role=button[name="Save"]',
    role: 'admin',
  },
  { name: 'not-found', path: '/nowhere', whole: 'text=There is no such page', role: 'viewer' },
];

/** A job that has ended; the only thing that was ever done to its table. */
let made: Promise<string> | null = null;

export async function aJob(): Promise<string> {
  const ask = async () => {
    const { operator } = inject('tokens');
    const listed = await beside().ask(operator, 'GET', '/api/jobs?table=work.past');
    const [before] = (listed as { items: { id: string }[] }).items;
    return before?.id ?? beside().addColumn(operator, 'work.past', 'note');
  };
  return (made ??= ask());
}

/** Its address, with the job in it. */
export async function addressOf({ path }: Place): Promise<string> {
  return path.includes('JOB') || path === '/jobs' || path.includes('work.past')
    ? path.replace('JOB', await aJob())
    : path;
}
