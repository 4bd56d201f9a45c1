/** States of a job that the list can be narrowed to. */
export const STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type State = (typeof STATES)[number];

export interface JobsSearch {
  state?: State | undefined;
  table?: string | undefined;
  /** Catalog of the table. */
  catalog?: string | undefined;
  /** Operation. */
  op?: string | undefined;
  /** So many are listed. */
  newest?: number | undefined;
}
