import type { TableItem } from '@/api/tables';
import { joinName } from '@/lib/tableName';

import { levelOf, type Level } from './HealthIndicator';

/** What the list can be ordered by; `-` in front is the other way round. */
export const COLUMNS = ['score', 'name', 'bytes', 'data_files', 'records', 'modified'] as const;
export type Column = (typeof COLUMNS)[number];
export interface Order {
  by: Column;
  down: boolean;
}

export function readOrder(text: string | undefined): Order {
  const down = text?.startsWith('-') ?? false;
  const by = COLUMNS.find((column) => column === text?.replace('-', ''));
  return by ? { by, down } : { by: 'score', down: false };
}

export function writeOrder({ by, down }: Order): string {
  return `${down ? '-' : ''}${by}`;
}

function value(table: TableItem, by: Column): number | string | null {
  switch (by) {
    case 'score':
      return table.health?.score ?? null;
    case 'name':
      return table.name;
    case 'modified':
      return table.modified_at ?? null;
    default:
      return table[by] ?? null;
  }
}

/** Tables of a namespace and those below it whose name holds every word of `search`, in order; what is not known goes last. */
export function choose(tables: TableItem[], namespace: string, search: string, { by, down }: Order): TableItem[] {
  const asked = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = tables.filter(
    (table) =>
      (namespace === '' || isBelow(namespaceOf(table), namespace)) &&
      (asked.length === 0 || asked.every((word) => table.name.toLowerCase().includes(word))),
  );
  const sign = down ? -1 : 1;
  return found.sort((left, right) => {
    const [a, b] = [value(left, by), value(right, by)];
    if (a !== b && a !== null && b !== null) return a < b ? -sign : sign;
    if (a !== b) return a === null ? 1 : -1;
    return left.name < right.name ? -1 : 1;
  });
}

/** How a table is, and the code of its worst finding. */
export interface State {
  level?: Level | undefined;
  finding?: string | undefined;
}

/** Tables in this state; what is not told of it holds for all. */
export function inState(tables: TableItem[], { level, finding }: State): TableItem[] {
  if (!level && !finding) return tables;
  return tables.filter(
    ({ health }) =>
      health && (!level || levelOf(health.score) === level) && (!finding || health.worst?.code === finding),
  );
}

/** The path of a namespace as one text; parts are told apart by a character that no name may have. */
const BETWEEN = '\u001f';

export function namespaceOf(table: TableItem): string {
  return table.namespace.join(BETWEEN);
}

function isBelow(path: string, namespace: string): boolean {
  return path === namespace || path.startsWith(namespace + BETWEEN);
}

export interface Branch {
  path: string;
  label: string;
  depth: number;
  /** Tables in it and below it. */
  tables: number;
  parent: boolean;
}

/** The namespaces as a tree, flattened; below a closed one nothing is shown. Without `open` all are. */
export function namespaceTree(tables: TableItem[], open?: ReadonlySet<string>): Branch[] {
  const sizes = new Map<string, number>();
  for (const table of tables) {
    let path = '';
    for (const [depth, part] of table.namespace.entries()) {
      path = depth === 0 ? part : path + BETWEEN + part;
      sizes.set(path, (sizes.get(path) ?? 0) + 1);
    }
  }
  const paths = [...sizes.keys()].sort();
  const branches: Branch[] = [];
  for (const [at, path] of paths.entries()) {
    const parts = path.split(BETWEEN);
    const above = parts.slice(1).map((_, depth) => parts.slice(0, depth + 1).join(BETWEEN));
    if (open && !above.every((one) => open.has(one))) continue;
    const parent = paths[at + 1]?.startsWith(path + BETWEEN) ?? false;
    branches.push({ path, label: parts.at(-1) ?? path, depth: parts.length - 1, tables: sizes.get(path) ?? 0, parent });
  }
  return branches;
}

/** How a namespace stands in the address: dotted, parts with a dot in back-ticks. */
export function namespaceText(path: string): string {
  return joinName(path.split(BETWEEN));
}

export function namespacePath(parts: string[]): string {
  return parts.join(BETWEEN);
}
