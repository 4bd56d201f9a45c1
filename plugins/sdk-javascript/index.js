// Write DRLS plugins in JavaScript: one object and one call a kind. See index.d.ts for the types and what they mean.
//
// A plugin is a WebAssembly component. It sees a table through methods that give facts which the host gathered from
// Iceberg metadata before the call; it answers with plain values; it has no clock, no files and no network. The facts
// that it may ask for are named in `reads`: only those are gathered. Requests to other servers are another matter: see `http`.

/** Names of the facts that there are: the methods of a table. */
export const FACTS = Object.freeze([
  'id', 'formatVersion', 'location', 'properties', 'fields', 'partitionSpecs', 'sortOrder', 'snapshots',
  'currentSnapshot', 'refs', 'totals', 'fileSizes', 'partitionCount', 'partitions', 'files', 'manifests',
  'metadataLog', 'exclusiveTo', 'orphans', 'asOf',
]);

/** What the host passes on to the caller; any other error is a fault of the plugin, told with its stack. */
export class PluginError extends Error {
  constructor(tag, value, message) {
    super(message);
    this.name = 'PluginError';
    this.tag = tag;
    this.value = value;
  }
}

/** The caller's input is wrong: pairs of a JSON Pointer and what is wrong there, all at once. */
export function invalid(...mistakes) {
  const fields = mistakes.map(([pointer, detail]) => ({ pointer, detail }));
  return new PluginError('invalid', fields, mistakes.map(([pointer, detail]) => `${pointer}: ${detail}`).join('; '));
}

/** What the call names does not exist. */
export const notFound = (text) => new PluginError('not-found', text, text);

/** The calling user may not do this. */
export const denied = (text) => new PluginError('denied', text, text);

/** The plugin failed for a reason of its own. */
export const failed = (text) => new PluginError('failed', text, text);

/** Lines in the host's log; on the console where there is no host. */
export const log = {
  write: (level, message) => console.error(`${level}: ${message}`),
  debug: (message) => log.write('debug', message),
  info: (message) => log.write('info', message),
  warn: (message) => log.write('warn', message),
  error: (message) => log.write('error', message),
};

/** Requests to the hosts that [needs.http] of the plugin's manifest names; a server lets them through once an admin grants them. */
export const http = {
  send: ({ method }) => {
    throw failed(`${method}: requests are sent inside a server only; set http.send in a test`);
  },
  get: (url, headers = {}) => http.send({ method: 'GET', url, headers }),
  postJson: (url, value) =>
    http.send({ method: 'POST', url, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }),
};

/** Makes a health rule of its parts. The default export of a plugin's main file. */
export const healthRule = (parts) => made('health-rule', 'evaluate', parts);

/** Makes a table operation of its parts. The default export of a plugin's main file. */
export const tableOperation = (parts) => made('table-operation', 'plan', parts);

function made(kind, call, parts) {
  for (const name of ['id', 'title', 'summary']) {
    if (typeof parts[name] !== 'string' || parts[name] === '') throw new TypeError(`the plugin has no ${name}`);
  }
  if (typeof parts[call] !== 'function') throw new TypeError(`the plugin ${parts.id} has no function ${call}`);
  if (!Array.isArray(parts.reads)) throw new TypeError(`the plugin ${parts.id} has no list \`reads\` of the facts it reads`);
  const wrong = parts.reads.filter((name) => !FACTS.includes(name));
  if (wrong.length > 0) {
    throw new TypeError(`\`reads\` of ${parts.id} names ${wrong.join(', ')}, which no table has; there are ${FACTS.join(', ')}`);
  }
  return { icon: '', config: {}, arguments: {}, ...parts, kind };
}

/** JSON Schema (2020-12) of an object with these properties; one without a default must be given. */
export function schema(properties) {
  const required = Object.keys(properties).filter((name) => !('default' in properties[name]));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties,
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
  };
}

/** The values of a JSON text over the defaults of these properties. */
export function values(properties, text) {
  const defaults = Object.entries(properties).filter(([, one]) => 'default' in one).map(([name, one]) => [name, one.default]);
  return { ...Object.fromEntries(defaults), ...(text.trim() === '' ? {} : JSON.parse(text)) };
}

/** The steps of a plan. */
export const steps = {
  rewriteDataFiles: ({ strategy = 'binpack', order, filter, options = [] } = {}) =>
    ({ tag: 'rewrite-data-files', val: { strategy, order, filter, options } }),
  rewritePositionDeletes: (options = []) => ({ tag: 'rewrite-position-deletes', val: options }),
  rewriteManifests: () => ({ tag: 'rewrite-manifests' }),
  expireSnapshots: (snapshotIds) =>
    ({ tag: 'expire-snapshots', val: { snapshotIds: BigInt64Array.from(snapshotIds, BigInt) } }),
  removeOrphanFiles: (olderThan) => ({ tag: 'remove-orphan-files', val: { olderThan: BigInt(olderThan) } }),
  addColumn: ({ path, dataType, doc, after }) => ({ tag: 'add-column', val: { path, dataType, doc, after } }),
  renameColumn: ({ path, name }) => ({ tag: 'rename-column', val: { path, name } }),
  dropColumn: (path) => ({ tag: 'drop-column', val: { path } }),
  setProperties: (properties) => ({ tag: 'set-properties', val: properties }),
  rollback: (snapshotId) => ({ tag: 'rollback', val: BigInt(snapshotId) }),
};

/** The effect of a plan that leaves the files of the current snapshot as they are. */
export function unchanged(totals) {
  const none = (count) => (count === undefined ? undefined : { before: count, after: count });
  return {
    dataFiles: none(totals.dataFiles),
    deleteFiles: none(totals.deleteFiles),
    manifests: none(totals.manifests),
    snapshotsRemoved: 0,
    bytesRead: 0,
    bytesFreed: 0,
  };
}

/** A plan without steps, and why: one sentence. */
export const nothing = (effect, why) => ({ steps: [], effect, reversibility: 'inverse', warnings: [why] });

/** Milliseconds to rewrite so many bytes, rounded up; undefined where no throughput was measured. */
export const duration = (bytes, throughput) => (throughput ? Math.ceil((bytes * 1000) / throughput) : undefined);

/** The severity of a finding that takes `penalty` of at most `weight` points. */
export function severity(penalty, weight) {
  if (penalty * 4 >= 3 * weight && penalty >= 15) return 'critical';
  return penalty * 4 >= weight ? 'warning' : 'info';
}

/** A table with these facts for unit tests: a value each, or a function of the method's arguments. */
export function fakeTable(facts) {
  const methods = Object.entries(facts).map(([name, value]) => [name, typeof value === 'function' ? value : () => value]);
  return Object.fromEntries(methods);
}
