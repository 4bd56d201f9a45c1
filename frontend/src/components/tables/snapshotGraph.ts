import type { Schemas } from '@/api/client';

export type Snapshot = Schemas['SnapshotItem'];

/** How one row of the graph is drawn: a dot in its lane, lines that pass it, lines from above that end in it. */
export interface GraphRow {
  snapshot: Snapshot;
  lane: number;
  /** Lanes that go straight through. */
  passing: number[];
  /** Lanes from above whose snapshot has this one as parent. */
  from: number[];
  /** Its parent comes further down. */
  goesOn: boolean;
}

/**
 * Lays snapshots, newest first, into lanes, so that each child is joined to its parent. One pass: a lane waits for the
 * parent of its last snapshot, and is free again when that has come or is not kept any more.
 */
export function graph(snapshots: Snapshot[]): { rows: GraphRow[]; lanes: number } {
  const kept = new Set(snapshots.map((one) => one.snapshot_id));
  const awaited: (string | null)[] = [];
  let lanes = 1;
  const rows = snapshots.map((snapshot) => {
    const from = awaited.flatMap((id, lane) => (id === snapshot.snapshot_id ? [lane] : []));
    const free = awaited.indexOf(null);
    const lane = from[0] ?? (free >= 0 ? free : awaited.length);
    for (const one of from) awaited[one] = null;
    const passing = awaited.flatMap((id, one) => (id === null ? [] : [one]));
    const parent = snapshot.parent_id ?? null;
    const goesOn = parent !== null && kept.has(parent);
    awaited[lane] = goesOn ? parent : null;
    lanes = Math.max(lanes, lane + 1);
    return { snapshot, lane, passing, from, goesOn };
  });
  return { rows, lanes };
}
