import { expect, test } from 'vitest';

import { graph, type Snapshot } from '@/components/tables/snapshotGraph';
import { compare } from '@/lib/effects';
import { ago, bytes, compact, count, duration, measure } from '@/lib/format';
import { difference } from '@/lib/schemaDifference';
import { splitName } from '@/lib/tableName';

test('sizes, spans and times are told as people say them', () => {
  expect([0, 1023, 1536, 12_115_398].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '11.6 MiB']);
  expect([8, 90_000, 5_702_662_090].map(duration)).toEqual(['8 ms', '1.5 min', '66 d']);
  expect(measure(0.9975, 'ratio')).toBe('99.8 %');
  const at = Date.parse('2026-03-01T12:00:00Z');
  const told = (past: number) => ago(new Date(at - past).toISOString(), at);
  const [minute, day] = [60_000, 86_400_000];
  expect([0, 59_000, minute, 3 * minute, 25 * 60 * minute, 40 * day, 800 * day].map(told)).toEqual([
    'just now',
    'just now',
    '1 minute ago',
    '3 minutes ago',
    'yesterday',
    '1 month ago',
    '2 years ago',
  ]);
  expect([-500, -2000, -5 * minute, -day].map(told)).toEqual(['just now', 'in a moment', 'in 5 minutes', 'tomorrow']);
  expect(ago('never')).toBe('never');
});

test('counts have separators, and few characters where there is no room', () => {
  expect([0, 999, 1000, -1234, 12_115_398, 1234.5].map(count)).toEqual([
    '0',
    '999',
    '1,000',
    '-1,234',
    '12,115,398',
    '1,234.5',
  ]);
  expect([9999, 10_000, 336_776, 999_949, 999_950, 2_900_406, 4.2e15].map(compact)).toEqual([
    '9,999',
    '10K',
    '336.8K',
    '999.9K',
    '1M',
    '2.9M',
    '4200T',
  ]);
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
