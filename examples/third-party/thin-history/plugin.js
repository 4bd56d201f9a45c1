// Keeps the last snapshot of each day, and all of the last days.
import { invalid, nothing, steps, tableOperation, unchanged } from 'drls-plugin';

const DAY = 86_400_000;

export default tableOperation({
  id: 'thin-history',
  title: 'Thin history',
  summary: 'Keeps the last snapshot of each day, and all of the last days.',
  icon: 'calendar',
  arguments: {
    whole_days: { type: 'integer', description: 'Days of which every snapshot stays.', default: 7 },
  },
  reads: ['asOf', 'refs', 'snapshots', 'totals'],

  plan(table, { whole_days }) {
    if (whole_days < 0) throw invalid(['/whole_days', `is ${whole_days}; keep 0 days whole, or more`]);
    const kept = new Set(table.refs().map(({ snapshot }) => snapshot));
    const old = surplus(table.snapshots(), kept, table.asOf() - whole_days * DAY);
    const effect = { ...unchanged(table.totals()), snapshotsRemoved: old.length, bytesFreed: undefined };
    if (old.length === 0) return nothing(effect, 'Each day has one snapshot already.');
    return { steps: [steps.expireSnapshots(old)], effect, reversibility: 'none' };
  },
});

/** Ids of those from before `since` that are not the last of their day, and that nothing points to. Oldest first. */
export function surplus(snapshots, kept, since) {
  const byAge = snapshots.toSorted((one, other) => one.committedAt - other.committedAt);
  const day = ({ committedAt }) => Math.floor(committedAt / DAY);
  const isLast = (at) => at + 1 === byAge.length || day(byAge[at + 1]) !== day(byAge[at]);
  const gone = byAge.filter((one, at) => one.committedAt < since && !isLast(at) && !kept.has(one.id));
  return gone.map(({ id }) => id);
}
