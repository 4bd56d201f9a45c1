// The SDK in Node: its names are the contract's, and what crosses the boundary has the contract's types.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { health, operation } from '../guest.js';
import * as sdk from '../index.js';

const WIT = new URL('../../../wit/', import.meta.url);
const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
const parts = { id: 'one', title: 'One', summary: 'One.', reads: ['snapshots', 'asOf'] };

test('names every method of the table', () => {
  const text = readFileSync(new URL('facts.wit', WIT), 'utf8');
  const methods = [...text.matchAll(/^ {4}([\w-]+): func\(/gm)].map((found) => camel(found[1]));
  assert.deepEqual([...sdk.FACTS], methods);
  const types = readFileSync(new URL('../facts.d.ts', import.meta.url), 'utf8');
  for (const name of methods) assert.match(types, new RegExp(`^  ${name}\\(`, 'm'));
});

test('has a function for every step', () => {
  const text = readFileSync(new URL('table-operation.wit', WIT), 'utf8');
  const variant = text.slice(text.indexOf('variant step'), text.indexOf('record change'));
  const cases = [...variant.matchAll(/^ {4}([\w-]+)[(,]/gm)].map((found) => found[1]);
  assert.deepEqual(Object.keys(sdk.steps).map((name) => sdk.steps[name]([]).tag), cases.map((name) => name));
});

test('keeps ids exact and makes numbers of the rest', () => {
  const seen = [];
  const rule = sdk.healthRule({
    ...parts,
    config: { most: { type: 'integer', default: 2 } },
    evaluate(table, config) {
      seen.push(table.snapshots()[0], table.asOf(), config.most);
      return [{ code: 'a', severity: 'info', title: 'A.', penalty: 1, remedy: { operation: 'x' } }];
    },
  });
  const handle = { snapshots: () => [{ id: 9007199254740993n, committedAt: 5n }], asOf: () => 7n };
  const [finding] = health(rule, () => {}).evaluate(handle, '');
  assert.deepEqual(seen, [{ id: 9007199254740993n, committedAt: 5 }, 7, 2]);
  assert.deepEqual([finding.evidence, finding.remedy.arguments], [[], '{}']);
});

test('tells errors of the contract from faults', () => {
  const lines = [];
  const rule = (evaluate) => health(sdk.healthRule({ ...parts, evaluate }), (level, text) => lines.push([level, text]));
  const invalid = rule(() => { throw sdk.invalid(['/most', 'is 0']); });
  assert.throws(() => invalid.evaluate({}, ''), { tag: 'invalid', val: [{ pointer: '/most', detail: 'is 0' }] });
  assert.throws(() => rule((table) => table.totals()).evaluate({}, ''), /add 'totals' to its `reads`/);
  assert.match(lines[0][1], /^Error: the plugin calls table.totals/);
});

test('says which part of a finding is wrong', () => {
  const fine = { code: 'a', severity: 'info', title: 'A.', penalty: 0 };
  const told = (other) => () => health(sdk.healthRule({ ...parts, evaluate: () => [{ ...fine, ...other }] }), () => {}).evaluate({}, '');
  assert.equal(told({})().length, 1);
  assert.throws(told({ title: 7 }), new TypeError('title of a finding is 7, and must be a text'));
  assert.throws(told({ penalty: 0.5 }), new TypeError('penalty of a finding is 0.5, and must be a whole number'));
  assert.throws(told({ severity: 'grave' }), /^TypeError: severity of a finding is grave, and must be info or warning or critical$/);
  assert.throws(told({ evidence: [{ name: 'n', value: '1', unit: 'x' }] }), new TypeError('value of a measure is 1, and must be a number'));
  assert.throws(told({ remedy: { operation: 'x', arguments: () => ({}) } }), /^TypeError: arguments of a remedy is .*, and must be values of JSON$/);
});

test('gives a plan with 64-bit integers', () => {
  const plugin = sdk.tableOperation({
    ...parts,
    arguments: { days: { type: 'integer' } },
    plan: (table, { days }, config, throughput) => ({
      steps: [sdk.steps.expireSnapshots([1n, 2n])],
      effect: { ...sdk.unchanged({ dataFiles: 3, deleteFiles: 0 }), duration: sdk.duration(days, throughput) },
      reversibility: 'none',
    }),
  });
  const exported = operation(plugin, () => {});
  const plan = exported.plan({}, '{"days": 5}', '', 1000n);
  assert.deepEqual(plan.effect.dataFiles, { before: 3n, after: 3n });
  assert.deepEqual([plan.effect.manifests, plan.effect.duration], [undefined, 5n]);
  assert.deepEqual(plan.steps[0].val.snapshotIds, BigInt64Array.of(1n, 2n));
  assert.deepEqual(JSON.parse(exported.describe().argumentsSchema).required, ['days']);
});

test('refuses a plugin that lacks something', () => {
  assert.throws(() => sdk.healthRule({ ...parts, title: '' }), /no title/);
  assert.throws(() => sdk.healthRule(parts), /no function evaluate/);
  assert.throws(() => sdk.healthRule({ ...parts, reads: ['size'], evaluate() {} }), /names size, which no table has/);
});
