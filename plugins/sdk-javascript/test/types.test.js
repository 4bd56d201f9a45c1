// The types, as an author's editor has them: what a plugin may write passes, and what it may not is told.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { steps } from '../index.js';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

test('the compiler takes the examples and the templates, and marks what is wrong in an operation', () => {
  // The console's: the SDK has no dependency of its own.
  const compiler = path('../../../frontend/node_modules/typescript/bin/tsc');
  assert.ok(existsSync(compiler), `there is no ${compiler}; run \`make build\``);
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', path('../types')], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});

test('every step has its type', () => {
  const text = readFileSync(path('../index.d.ts'), 'utf8');
  const table = text.slice(text.indexOf('interface Steps {'), text.indexOf('/** A step of one sort. */'));
  const typed = [...table.matchAll(/^ {2}'?([\w-]+)'?: /gm)].map((found) => found[1]);
  assert.deepEqual(typed, Object.values(steps).map((step) => step([]).tag));
});
