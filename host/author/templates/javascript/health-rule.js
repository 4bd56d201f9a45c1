// Tells of tables that keep more snapshots than they should.
import { healthRule, severity } from 'drls-plugin';

// The most points that this rule takes off 100.
const WEIGHT = 20;

export default healthRule({
  id: '{{name}}',
  title: '{{title}}',
  summary: 'Tells of tables that keep more snapshots than they should.',
  icon: 'history',
  // What the operator may change: the console draws a form from these properties of a JSON Schema.
  config: {
    most: { type: 'integer', description: 'Snapshots that a table may keep.', default: 100, minimum: 1 },
  },
  reads: ['snapshots'],

  evaluate(table, config) {
    return judge(table.snapshots().length, config);
  },
});

/** One finding where there are too many: 5 points and one more for each further share of a tenth. */
export function judge(snapshots, { most }) {
  if (snapshots <= most) return [];
  const penalty = Math.min(5 + Math.floor(((snapshots - most) * 10) / most), WEIGHT);
  return [
    {
      code: 'many-snapshots',
      severity: severity(penalty, WEIGHT),
      title: `The table keeps ${snapshots} ${snapshots === 1 ? 'snapshot' : 'snapshots'}, ${most} would do.`,
      penalty,
      evidence: [{ name: 'snapshots', value: snapshots, unit: 'snapshots', threshold: most }],
      remedy: { operation: 'expire', arguments: { retain_last: most } },
    },
  ];
}
