import type { ComponentType } from 'react';

/** The tabs of a table, in order; the last part of its address. */
export const TABS = ['overview', 'schema', 'rows', 'snapshots', 'files', 'operations', 'history'] as const;
export type Tab = (typeof TABS)[number];

export function isTab(text: string): text is Tab {
  return TABS.some((tab) => tab === text);
}

/** What a table's tab is told by the address. */
export interface DetailSearch {
  catalog?: string | undefined;
  /** Operation that is open. */
  op?: string | undefined;
  /** Its arguments, JSON. */
  args?: string | undefined;
  /** Plan at once: a remedy was chosen, and a plan changes nothing. */
  plan?: boolean | undefined;
  /** Snapshot whose rows are shown; without it the current one. */
  snapshot?: string | undefined;
  /** Job that was started here. */
  job?: string | undefined;
}

/** What every tab gets. */
export interface TabProps {
  name: string;
  catalog: string | undefined;
}

/** The code of each tab, which comes when it is needed; that of the first is there with the page. */
export const PANELS: Record<
  Exclude<Tab, 'overview'>,
  () => Promise<{ default: ComponentType<TabProps & DetailSearch> }>
> = {
  schema: () => import('./SchemaTab'),
  rows: () => import('./RowsTab'),
  snapshots: () => import('./SnapshotsTab'),
  files: () => import('./FilesTab'),
  operations: () => import('./TableOpsPanel'),
  history: () => import('./HistoryTab'),
};
