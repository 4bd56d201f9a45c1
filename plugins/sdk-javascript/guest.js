// Between the plugin's object and the component's exports. The build's entry file hands in what only a component has.
import { denied, FACTS, failed, http, log, PluginError, schema, values } from './index.js';

// A log line of the host has 1 KiB; of a longer stack the beginning says most.
const LONGEST = 1000;

// What the parts of an answer must be. The bindings would make a text of a number, or end in a trap without a word.
const TEXT = ['a text', (value) => typeof value === 'string'];
const NUMBER = ['a number', (value) => typeof value === 'number'];
const SEVERITIES = ['info', 'warning', 'critical'];
const FINDING = {
  code: TEXT,
  title: TEXT,
  severity: [SEVERITIES.join(' or '), (value) => SEVERITIES.includes(value)],
  penalty: ['a whole number', Number.isInteger],
};
const MEASURE = { name: TEXT, value: NUMBER, unit: TEXT };
const REMEDY = { operation: TEXT, arguments: ['values of JSON', (value) => JSON.stringify(value ?? {}) !== undefined] };

// Fields that hold 64-bit ids, which a number would round; other 64-bit integers are counts, sizes and times.
const IDS = new Set(['id', 'parent', 'snapshot', 'currentSnapshot']);

/** The exports of the interface `health`. */
export function health(plugin, write) {
  log.write = write;
  return {
    describe: () => told(() => descriptor(plugin)),
    evaluate: (handle, config) =>
      told(() => plugin.evaluate(table(handle, plugin.reads), values(plugin.config, config)).map(finding)),
  };
}

/** The exports of the interface `operation`. */
export function operation(plugin, write) {
  log.write = write;
  return {
    describe: () =>
      told(() => ({ about: descriptor(plugin), argumentsSchema: JSON.stringify(schema(plugin.arguments)) })),
    plan: (handle, given, config, throughput) =>
      told(() => {
        const seen = table(handle, plugin.reads);
        const rate = throughput === undefined ? undefined : Number(throughput);
        return plan(plugin.plan(seen, values(plugin.arguments, given), values(plugin.config, config), rate));
      }),
  };
}

/** Lets the plugin send requests through the imported function. */
export function maySend(send) {
  http.send = ({ method, url, headers = {}, body = '' }) => {
    const content = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    let answer;
    try {
      answer = send({ method, url, headers: Object.entries(headers), body: content });
    } catch (error) {
      const { tag, val } = error.payload ?? error;
      if (tag === undefined) throw error;
      throw tag === 'denied' ? denied(val) : failed(`${method} ${url}: ${val ?? tag}`);
    }
    const text = () => new TextDecoder().decode(answer.body);
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: answer.body,
      text,
      json: () => {
        try {
          return JSON.parse(text());
        } catch (error) {
          throw failed(`the response is not JSON: ${error.message}`);
        }
      },
    };
  };
}

function told(call) {
  try {
    return call();
  } catch (error) {
    // What is thrown and no Error becomes the error of the contract; an Error becomes a trap.
    if (error instanceof PluginError) throw { tag: error.tag, val: error.value };
    log.error(`${error}\n${error?.stack ?? ''}`.trim().slice(0, LONGEST));
    throw error instanceof Error ? error : new Error(String(error));
  }
}

const descriptor = ({ id, title, summary, icon, config }) =>
  ({ id, title, summary, icon, configSchema: JSON.stringify(schema(config)) });

function table(handle, reads) {
  const method = (name) => (...given) => {
    if (!reads.includes(name)) {
      throw new Error(`the plugin calls table.${name}(), which it does not read; add '${name}' to its \`reads\``);
    }
    return plain(handle[name](...(LOWERED[name] ?? ((...same) => same))(...given)), name);
  };
  return Object.fromEntries(FACTS.map((name) => [name, method(name)]));
}

/** Arguments that a component takes with 64 bits. */
const LOWERED = {
  exclusiveTo: (ids) => [BigInt64Array.from(ids, BigInt)],
  orphans: (olderThan) => [BigInt(Math.trunc(olderThan))],
};

function plain(value, key) {
  if (typeof value === 'bigint') return IDS.has(key) ? value : Number(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, key));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item, name)]));
}

function finding(answer) {
  held('finding', answer, FINDING);
  const { code, severity, title, penalty, evidence = [], remedy } = answer;
  const measures = evidence.map((measure) => {
    held('measure', measure, MEASURE);
    const { name, value, unit, threshold } = measure;
    return { name, value, unit, threshold };
  });
  if (remedy) held('remedy', remedy, REMEDY);
  const repair = remedy && { operation: remedy.operation, arguments: JSON.stringify(remedy.arguments ?? {}) };
  return { code, severity, title, penalty, evidence: measures, remedy: repair };
}

/** Throws the first part that is something else. */
function held(name, value, parts) {
  for (const [part, [words, fits]] of Object.entries(parts)) {
    if (!fits(value[part])) throw new TypeError(`${part} of a ${name} is ${String(value[part])}, and must be ${words}`);
  }
}

const whole = (number) => (number === undefined ? undefined : BigInt(Math.round(number)));
const change = (one) => one && { before: whole(one.before), after: whole(one.after) };

function plan({ steps, effect, reversibility, warnings = [] }) {
  return {
    steps,
    effect: {
      dataFiles: change(effect.dataFiles),
      deleteFiles: change(effect.deleteFiles),
      manifests: change(effect.manifests),
      snapshotsRemoved: whole(effect.snapshotsRemoved),
      bytesRead: whole(effect.bytesRead),
      bytesFreed: whole(effect.bytesFreed),
      duration: whole(effect.duration),
    },
    reversibility,
    warnings,
  };
}
