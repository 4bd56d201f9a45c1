import { expect, test } from 'vitest';

import { graph, type Snapshot } from '@/components/tables/snapshotGraph';
import { compare } from '@/lib/effects';
import { ago, bytes, duration, measure } from '@/lib/format';
import { difference } from '@/lib/schemaDifference';
import { splitName } from '@/lib/tableName';

test('sizes, spans and times are told as people say them', () => {
  expect([0, 1023, 1536, 12_115_398].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '11.6 MiB']);
  expect([8, 90_000, 5_702_662_090].map(duration)).toEqual(['8 ms', '1.5 min', '66 d']);
  expect(measure(0.9975, 'ratio')).toBe('99.8 %');
  expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:03:00Z'))).toBe('3 minutes ago');
});

test('a name is split at its dots, but not inside of back-ticks', () => {
  expect(splitName('a.`b.c`.`d``e`')).toEqual(['a', 'b.c', 'd`e']);
});

test('promise and result are compared figure by figure', () => {
  const rows = compare({ files_after: 13, bytes_freed: 0 }, { files_after: 14, bytes_freed: 0, duration: 900 });
  expect(rows).toEqual([
    { label: 'Data files after', promised: '13', happened: '14', kept: false },
    { label: 'Time', promised: 'not told', happened: '900 ms', kept: false },
  ]);
});

test('two branches of one parent take two lanes and meet again', () => {
  const snapshot = (snapshot_id: string, parent_id: string | null) => ({ snapshot_id, parent_id }) as Snapshot;
  const { rows, lanes } = graph([snapshot('c', 'a'), snapshot('b', 'a'), snapshot('a', null)]);
  expect(lanes).toBe(2);
  expect(rows.map(({ lane, from, goesOn }) => ({ lane, from, goesOn }))).toEqual([
    { lane: 0, from: [], goesOn: true },
    { lane: 1, from: [], goesOn: true },
    { lane: 0, from: [0, 1], goesOn: false },
  ]);
});

test('what changed between two schemas is named', () => {
  const schema = (properties: object) => ({ properties });
  expect(difference(schema({ a: 1, b: 1 }), schema({ b: 2, c: 1 }))).toEqual({
    added: ['c'],
    removed: ['a'],
    changed: ['b'],
  });
});
