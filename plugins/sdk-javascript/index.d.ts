// Types of the SDK.
import type { Table, Totals } from './facts.js';

export type * from './facts.js';

/** Names of the facts that there are. */
export const FACTS: ReadonlyArray<keyof Table>;

/** How bad a finding is. */
export type Severity = 'info' | 'warning' | 'critical';

/** A measured figure beside the limit that it crossed. */
export interface Measure {
  name: string;
  value: number;
  /** "bytes", "files", "ratio", "ms", ... */
  unit: string;
  threshold?: number;
}

/** One thing that is not as it should be. */
export interface Finding {
  /** Kebab-case, unique in the rule. */
  code: string;
  severity: Severity;
  /** One sentence with the figures in it. */
  title: string;
  /** Points taken off 100. */
  penalty: number;
  evidence?: Measure[];
  /** An operation with its arguments filled in. */
  remedy?: { operation: string; arguments?: Record<string, unknown> };
}

/** A property of a JSON Schema (2020-12); one without a default must be given. */
export interface Property {
  type?: string | readonly string[];
  description?: string;
  title?: string;
  default?: unknown;
  enum?: readonly unknown[];
  [keyword: string]: unknown;
}

/** Properties by name. */
export type Properties = Record<string, Property>;

type ValueOf<P extends Property> = P extends { enum: ReadonlyArray<infer One> }
  ? One
  : P['type'] extends 'integer' | 'number'
    ? number
    : P['type'] extends 'string'
      ? string
      : P['type'] extends 'boolean'
        ? boolean
        : any;

/** The values that such properties describe. */
export type Values<P extends Properties> = { [name in keyof P]: ValueOf<P[name]> };

interface Described<C extends Properties> {
  /** The plugin's id, in kebab-case, stable for ever. */
  id: string;
  /** Two or three words. */
  title: string;
  /** One or two sentences, Markdown. */
  summary: string;
  /** Name of an icon of the console's set; an unknown name gets the default icon. */
  icon?: string;
  /** What the operator may change. */
  config?: C;
  /** The methods of the table that it calls; only these facts are gathered. */
  reads: ReadonlyArray<keyof Table>;
}

/** Judges one table from facts. Pure: same facts and configuration, same findings. */
export interface HealthRule<C extends Properties> extends Described<C> {
  /** The findings, worst first, none for a healthy table. */
  evaluate(table: Table, config: Values<C>): Finding[];
}

/** A number of things before the plan runs and after it. */
export interface Change {
  /** As the facts have it. */
  before: number;
  /** As the plan leaves it; an estimate where the engine decides. */
  after: number;
}

/**
 * What a plan promises; the host compares it with what happened and shows both. What is absent is not promised: leave
 * out what the plan does not know or would have to gather facts for.
 */
export interface Effect {
  /** Live data files of the current snapshot. */
  dataFiles?: Change | undefined;
  /** Live delete files of the current snapshot. */
  deleteFiles?: Change | undefined;
  /** Manifests of the current snapshot. */
  manifests?: Change | undefined;
  /** Snapshots that the metadata lists no more. */
  snapshotsRemoved?: number | undefined;
  /** Bytes of files that are read to rewrite them. */
  bytesRead?: number | undefined;
  /** Bytes that storage holds less afterwards. */
  bytesFreed?: number | undefined;
  /** Time at `throughput`, milliseconds. */
  duration?: number | undefined;
}

/** Keys and values, as of table properties or of a procedure's options. */
export type Pairs = ReadonlyArray<readonly [key: string, value: string]>;

/** How data files are rewritten: small ones joined and large ones split, rows sorted, or bits of several columns interleaved. */
export type Strategy = 'binpack' | 'sort' | 'zorder';

interface Steps {
  /**
   * Rewrites data files by Iceberg's rewrite_data_files. `order`: "id DESC NULLS LAST, name" for sort, "a, b" for zorder;
   * absent for binpack, and for sort by the table's own order. `filter`: SQL predicate that chooses the files.
   */
  'rewrite-data-files': { strategy: Strategy; order?: string | undefined; filter?: string | undefined; options: Pairs };
  /** Rewrites position delete files by Iceberg's rewrite_position_delete_files, with these options. */
  'rewrite-position-deletes': Pairs;
  /** Rewrites the manifests by Iceberg's rewrite_manifests. */
  'rewrite-manifests': undefined;
  /** Removes these snapshots and every file that only they reach; neither the current one nor one that a ref points to. */
  'expire-snapshots': { snapshotIds: BigInt64Array };
  /** Deletes files that no metadata names, last modified before this (ms since the Unix epoch) and never younger than 24 h. */
  'remove-orphan-files': { olderThan: bigint };
  /** Adds a column by its full path, with a type as Iceberg spells it. `after`: the sibling that it follows; absent = last. */
  'add-column': { path: string; dataType: string; doc?: string | undefined; after?: string | undefined };
  /** Renames the column at a full path; `name` is the new last part. */
  'rename-column': { path: string; name: string };
  /** Drops the column at a full path, with what is nested in it. */
  'drop-column': { path: string };
  /** Sets table properties; others stay. */
  'set-properties': Pairs;
  /** The table's main branch goes back to this snapshot, one of its ancestors. */
  rollback: bigint;
}

/** A step of one sort. */
export type StepOf<T extends keyof Steps> = {
  [tag in T]: Steps[tag] extends undefined ? { readonly tag: tag } : { readonly tag: tag; readonly val: Steps[tag] };
}[T];

/** One thing that the host does to the table; made by the functions in `steps`. */
export type Step = StepOf<keyof Steps>;

/** What the host would do, for a person to approve. */
export interface Plan {
  /** In order. Empty where there is nothing to do: running it changes nothing and succeeds. */
  steps: Step[];
  /** What all steps together promise. */
  effect: Effect;
  /** What undoes all steps together: rolling back while the snapshot before is kept, the opposite change, or nothing. */
  reversibility: 'rollback' | 'inverse' | 'none';
  /** What a person should know before the click, a sentence each. */
  warnings?: string[];
}

/** Plans a maintenance or schema operation. The host runs the steps, locks, audits and undoes. */
export interface TableOperation<A extends Properties, C extends Properties> extends Described<C> {
  /** What the caller says, beside the table. */
  arguments?: A;
  /** `throughput`: bytes a second that rewrites reached here lately; undefined where none was measured. */
  plan(table: Table, given: Values<A>, config: Values<C>, throughput: number | undefined): Plan;
}

/** A plugin, the default export of its main file. */
export interface Plugin {
  readonly kind: 'health-rule' | 'table-operation';
}

export function healthRule<const C extends Properties = {}>(parts: HealthRule<C>): Plugin & HealthRule<C>;
export function tableOperation<const A extends Properties = {}, const C extends Properties = {}>(
  parts: TableOperation<A, C>,
): Plugin & TableOperation<A, C>;

/** What the host passes on to the caller; any other error is a fault of the plugin, told with its stack. */
export class PluginError extends Error {}

/** The caller's input is wrong: pairs of a JSON Pointer and what is wrong there and would be right, all at once. */
export function invalid(...mistakes: Array<[pointer: string, detail: string]>): PluginError;
/** What the call names does not exist. */
export function notFound(text: string): PluginError;
/** The calling user may not do this. */
export function denied(text: string): PluginError;
/** The plugin failed for a reason of its own. */
export function failed(text: string): PluginError;

/** Lines in the host's log. */
export const log: Record<'debug' | 'info' | 'warn' | 'error', (message: string) => void>;

/** The steps of a plan. */
export const steps: {
  rewriteDataFiles(of?: Partial<Steps['rewrite-data-files']>): StepOf<'rewrite-data-files'>;
  rewritePositionDeletes(options?: Pairs): StepOf<'rewrite-position-deletes'>;
  rewriteManifests(): StepOf<'rewrite-manifests'>;
  expireSnapshots(ids: Iterable<bigint>): StepOf<'expire-snapshots'>;
  /** Milliseconds since the Unix epoch. */
  removeOrphanFiles(olderThan: number): StepOf<'remove-orphan-files'>;
  addColumn(of: Steps['add-column']): StepOf<'add-column'>;
  renameColumn(of: Steps['rename-column']): StepOf<'rename-column'>;
  dropColumn(path: string): StepOf<'drop-column'>;
  setProperties(properties: Pairs): StepOf<'set-properties'>;
  rollback(snapshotId: bigint): StepOf<'rollback'>;
};

/** The effect of a plan that leaves the files of the current snapshot as they are. */
export function unchanged(totals: Totals): Effect;
/** A plan without steps, and why: one sentence. */
export function nothing(effect: Effect, why: string): Plan;
/** Milliseconds to rewrite so many bytes, rounded up; undefined where no throughput was measured. */
export function duration(bytes: number, throughput: number | undefined): number | undefined;
/** The severity of a finding that takes `penalty` of at most `weight` points. */
export function severity(penalty: number, weight: number): Severity;
/** A table with these facts for unit tests: a value each, or a function of the method's arguments. */
export function fakeTable(facts: Partial<Record<keyof Table, unknown>>): Table;
/** JSON Schema (2020-12) of an object with these properties. */
export function schema(properties: Properties): Record<string, unknown>;
/** The values of a JSON text over the defaults of these properties. */
export function values(properties: Properties, text: string): Record<string, unknown>;

/** A request to a host that the plugin's manifest names under [needs.http]. */
export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  /** At most 1 MiB. */
  body?: string | Uint8Array;
}

/** What came back, whatever its status. A redirect is not followed. */
export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Uint8Array;
  text(): string;
  /** Fails where it is no JSON. */
  json(): any;
}

/** Requests; each throws `denied` for what is not granted and `failed` for what did not come back. Set `send` in a test. */
export const http: {
  send(request: HttpRequest): HttpResponse;
  get(url: string, headers?: Record<string, string>): HttpResponse;
  postJson(url: string, value: unknown): HttpResponse;
};
