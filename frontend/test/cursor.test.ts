import { beforeEach, expect, test } from 'vitest';

import { feedStart, forgetAnswers, isOlder, learnNewest } from '@/lib/cursor';

beforeEach(forgetAnswers);

test('the feed begins after the oldest answer, whichever came first', () => {
  expect(feedStart()).toBe('');
  for (const id of ['run-12', null, 'run-9', 'run-10']) learnNewest(id);
  expect(feedStart()).toBe('run-9');
});

test('where two runs of the server answered, the feed is asked for what was lost', () => {
  for (const id of ['run-12', 'after-1', 'run-3']) learnNewest(id);
  expect(feedStart()).toBe('');
});

test('numbers are compared as numbers, of one run', () => {
  expect(isOlder('run-9', 'run-10')).toBe(true);
  expect(isOlder('run-10', 'run-10')).toBe(false);
  expect(isOlder('other-9', 'run-10')).toBe(false);
});
