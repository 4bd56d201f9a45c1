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
  type?: string | string[];
  description?: string;
  title?: string;
  default?: unknown;
  [keyword: string]: unknown;
}

/** Properties by name. */
export type Properties = Record<string, Property>;

type ValueOf<P extends Property> = P['type'] extends 'integer' | 'number'
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
  before: number;
  after: number;
}

/** What a plan promises; what is absent is not promised. */
export interface Effect {
  dataFiles?: Change;
  deleteFiles?: Change;
  manifests?: Change;
  snapshotsRemoved?: number;
  bytesRead?: number;
  bytesFreed?: number;
  /** Milliseconds. */
  duration?: number;
}

/** One thing that the host does to the table; made by the functions in `steps`. */
export interface Step {
  readonly tag: string;
  readonly val?: unknown;
}

/** What the host would do, for a person to approve. */
export interface Plan {
  /** Empty where there is nothing to do. */
  steps: Step[];
  effect: Effect;
  reversibility: 'rollback' | 'inverse' | 'none';
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
  rewriteDataFiles(of?: {
    strategy?: 'binpack' | 'sort' | 'zorder';
    order?: string;
    filter?: string;
    options?: Array<[string, string]>;
  }): Step;
  rewritePositionDeletes(options?: Array<[string, string]>): Step;
  rewriteManifests(): Step;
  expireSnapshots(ids: Iterable<bigint>): Step;
  removeOrphanFiles(olderThan: number): Step;
  addColumn(of: { path: string; dataType: string; doc?: string; after?: string }): Step;
  renameColumn(of: { path: string; name: string }): Step;
  dropColumn(path: string): Step;
  setProperties(properties: Array<[string, string]>): Step;
  rollback(snapshotId: bigint): Step;
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
