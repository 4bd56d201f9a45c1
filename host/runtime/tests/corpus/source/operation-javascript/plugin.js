// Answers with every step that there is, and warns of every fact of the table.
import { duration, FACTS, notFound, steps, tableOperation, unchanged } from 'drls-plugin';

// Exact: ids are bigint.
const shown = (value) => JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one));

export default tableOperation({
  id: 'corpus-operation-javascript',
  title: 'Corpus',
  summary: 'Does everything.',
  icon: 'list',
  arguments: {
    data_type: { type: 'string', description: 'Of the new column.', default: 'long' },
  },
  config: {
    order: { type: 'string', description: 'Of the rows.', default: 'id DESC' },
  },
  reads: FACTS,

  plan(table, { data_type }, { order }, throughput) {
    if (table.totals().dataFiles === 0) throw notFound('a data file');
    const given = {
      partitions: [1, 10],
      files: [0, 1, 1],
      exclusiveTo: [[table.snapshots()[0].id]],
      orphans: [table.asOf()],
    };
    const options = [['key', 'value']];
    return {
      steps: [
        steps.rewriteDataFiles({ options }),
        steps.rewriteDataFiles({ strategy: 'sort', order, filter: 'id > 1' }),
        steps.rewriteDataFiles({ strategy: 'zorder', order: 'a, b' }),
        steps.rewritePositionDeletes(options),
        steps.rewriteManifests(),
        steps.expireSnapshots([9223372036854775807n, -1n]),
        steps.removeOrphanFiles(1_700_000_000_000),
        steps.addColumn({ path: 'a.b', dataType: data_type, doc: 'why', after: 'c' }),
        steps.renameColumn({ path: 'a', name: 'z' }),
        steps.dropColumn('c'),
        steps.setProperties(options),
        steps.rollback(-9223372036854775808n),
      ],
      effect: { ...unchanged(table.totals()), dataFiles: { before: 9, after: 1 }, duration: duration(5, throughput) },
      reversibility: 'none',
      warnings: FACTS.map((name) => `${name}: ${shown(table[name](...(given[name] ?? [])))}`),
    };
  },
});
