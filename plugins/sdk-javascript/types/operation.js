// What an author's editor marks in an operation. A line behind `@ts-expect-error` is wrong, and the compiler says where one is not.
import { duration, healthRule, invalid, nothing, steps, tableOperation, unchanged } from 'drls-plugin';

/** @type {import('drls-plugin').Plan} */
const plan = { steps: [], effect: {}, reversibility: 'none' };
const about = { id: 'one', title: 'One', summary: 'One.' };

export const every = tableOperation({
  ...about,
  arguments: {
    strategy: { type: 'string', enum: ['binpack', 'sort'], default: 'binpack' },
    days: { type: 'integer', default: 7 },
  },
  config: { deep: { type: 'boolean', default: false } },
  reads: ['snapshots', 'totals'],
  plan(table, { strategy, days }, { deep }, throughput) {
    if (days < 0) throw invalid(['/days', `is ${days.toFixed()}`]);
    const ids = table.snapshots().map(({ id }) => id);
    const effect = { ...unchanged(table.totals()), snapshotsRemoved: ids.length, duration: duration(9, throughput) };
    if (deep) return nothing(effect, 'There is nothing to do.');
    const all = [
      steps.rewriteDataFiles({ strategy, filter: 'id > 3', options: [['min-input-files', '2']] }),
      steps.rewriteDataFiles(),
      steps.rewritePositionDeletes(),
      steps.rewriteManifests(),
      steps.expireSnapshots(new Set(ids)),
      steps.removeOrphanFiles(86_400_000),
      steps.addColumn({ path: 'a.b', dataType: 'long', doc: undefined, after: 'c' }),
      steps.renameColumn({ path: 'a.b', name: 'd' }),
      steps.dropColumn('a.d'),
      steps.setProperties([['k', 'v']]),
      steps.rollback(7n),
    ];
    return { steps: all, effect, reversibility: 'rollback', warnings: ['It takes long.'] };
  },
});

tableOperation({
  ...about,
  arguments: { days: { type: 'integer' }, how: { enum: ['a', 'b'] } },
  // @ts-expect-error a table has no such method
  reads: ['size'],
  plan(table, { days, how }) {
    // @ts-expect-error a number has no such method
    days.trim();
    // @ts-expect-error neither of the two
    if (how === 'c') return plan;
    // @ts-expect-error the arguments are others
    const wrong = ({ weeks }) => weeks, used = wrong({ days });
    return used ? plan : plan;
  },
});

export const wrong = [
  // @ts-expect-error there are three
  steps.rewriteDataFiles({ strategy: 'shuffle' }),
  // @ts-expect-error ids have 64 bits
  steps.expireSnapshots([1]),
  // @ts-expect-error a column has a type
  steps.addColumn({ path: 'a' }),
  // @ts-expect-error values are texts
  steps.setProperties([['k', 7]]),
  // @ts-expect-error ids have 64 bits
  steps.rollback(7),
];

// @ts-expect-error a plan says what undoes it
tableOperation({ ...about, reads: [], plan: () => ({ steps: [], effect: {} }) });
// @ts-expect-error nothing else undoes
tableOperation({ ...about, reads: [], plan: () => ({ ...plan, reversibility: 'magic' }) });
// @ts-expect-error there is no such step
tableOperation({ ...about, reads: [], plan: () => ({ ...plan, steps: [{ tag: 'vacuum' }] }) });
// @ts-expect-error another step has such values
tableOperation({ ...about, reads: [], plan: () => ({ ...plan, steps: [{ tag: 'drop-column', val: { name: 'a' } }] }) });
// @ts-expect-error a change has two sides
tableOperation({ ...about, reads: [], plan: () => ({ ...plan, effect: { dataFiles: 3 } }) });
// @ts-expect-error a rule finds, and does not plan
healthRule({ ...about, reads: [], plan: () => plan });
