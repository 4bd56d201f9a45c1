// Tells of tables whose columns nobody explained.
import { healthRule, severity } from 'drls-plugin';

// The most points that this rule takes off 100.
const WEIGHT = 10;

export default healthRule({
  id: 'undocumented',
  title: 'Undocumented columns',
  summary: 'Tells of tables whose columns have no comment.',
  icon: 'help-circle',
  config: {
    most: { type: 'number', description: 'Share of columns that may go without.', default: 0.5, minimum: 0, maximum: 1 },
  },
  reads: ['fields'],

  evaluate(table, { most }) {
    // The parts of lists and maps cannot have a comment of their own.
    const columns = table.fields().filter(({ path }) => !/(^|\.)(element|key|value)(\.|$)/.test(path));
    return judge(columns.map(({ path, doc }) => ({ path, told: Boolean(doc?.trim()) })), most);
  },
});

/** One finding where too many go without, worth as much of the weight as the share. */
export function judge(columns, most) {
  const silent = columns.filter(({ told }) => !told);
  const share = columns.length === 0 ? 0 : silent.length / columns.length;
  if (share <= most) return [];
  const penalty = Math.round(WEIGHT * share);
  const first = silent.slice(0, 3).map(({ path }) => path).join(', ');
  return [
    {
      code: 'undocumented',
      severity: severity(penalty, WEIGHT),
      title: `${silent.length} of ${columns.length} columns have no comment: ${first}${silent.length > 3 ? ', ...' : ''}.`,
      penalty,
      evidence: [{ name: 'without comment', value: share, unit: 'ratio', threshold: most }],
    },
  ];
}
