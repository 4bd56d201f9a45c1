// Does what a plugin must not do: which, says its configuration.
import { healthRule, log } from 'drls-plugin';

const nothing = (parts = {}) => [{ code: 'nothing', severity: 'info', title: 'Nothing is wrong.', penalty: 0, ...parts }];

const FAULTS = {
  nothing: () => nothing(),
  loops() {
    for (;;);
  },
  allocates() {
    const kept = [];
    for (;;) kept.push(new Uint8Array(1 << 20));
  },
  recurses: () => deeper(0),
  fails: () => seven([]),
  traps() {
    throw 'no error but a text';
  },
  'answers-100-mb': () => nothing({ title: 'x'.repeat(100_000_000) }),
  // What the engine hands over in the time of a call.
  'answers-5-mb': () => nothing({ title: 'x'.repeat(5_000_000) }),
  'floods-the-log'() {
    for (let line = 0; line < 1000; line++) log.info(`line ${line}`);
    return nothing();
  },
  // Of a function JavaScript makes no JSON at all.
  'answers-wrong-json': () => nothing({ remedy: { operation: 'compact', arguments: () => ({}) } }),
  'answers-no-code': () => nothing({ code: 'Not Kebab' }),
  'answers-another-type': async () => nothing(),
  'answers-a-number-for-a-text': () => nothing({ title: 7 }),
  'answers-no-such-severity': () => nothing({ severity: 'grave' }),
};

const deeper = (depth) => deeper(depth + 1) + 1;
const seven = (items) => items[7].code;

export default healthRule({
  id: 'unruly',
  title: 'Unruly',
  summary: 'Does what it must not do.',
  config: { does: { type: 'string', description: 'Name of a fault.', default: 'nothing' } },
  reads: [],
  evaluate: (table, { does }) => FAULTS[does](),
});
