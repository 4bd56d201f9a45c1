import type { components } from './schema';

export type FieldError = components['schemas']['FieldError'];
export type ProblemBody = components['schemas']['Problem'];

/** An answer of 400 or more, or none at all. What a person reads is `message`; `code` tells the kinds apart. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    /** The HTTP status; 0 where the server gave no answer. */
    readonly status: number,
    /** Stable kebab-case name of the kind. */
    readonly code: string,
    detail: string,
    /** Finds the request in the server's log; empty where there was no answer. */
    readonly requestId: string,
    /** Every mistake of the request. */
    readonly errors: FieldError[] = [],
    /** Seconds that the server asks to wait. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }

  /** Whether the same request may succeed a little later. */
  get passes(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

function isProblem(body: unknown): body is ProblemBody {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'request_id' in body;
}

/** Reads the problem out of an answer. A proxy in between may answer without one. */
export async function readProblem(response: Response): Promise<ApiProblem> {
  const waits = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  const retryAfter = Number.isNaN(waits) ? null : waits;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  if (isProblem(body)) {
    return new ApiProblem(response.status, body.code, body.detail, body.request_id, body.errors ?? [], retryAfter);
  }
  const id = response.headers.get('x-request-id') ?? '';
  return new ApiProblem(
    response.status,
    'no-problem-body',
    `the server answered ${response.status} without saying why`,
    id,
    [],
    retryAfter,
  );
}

/** Whether a page stands where data was asked for: a proxy, or its sign-in, has answered instead of the server. */
export function isForeign(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/html') ?? false;
}

export function foreign(response: Response): ApiProblem {
  const id = response.headers.get('x-request-id') ?? '';
  return new ApiProblem(response.status, 'foreign-answer', 'a web page came where data was asked for', id);
}

/** A `fetch` that got no answer. */
export function noAnswer(): ApiProblem {
  return new ApiProblem(0, 'no-answer', 'the server does not answer; it may be stopped or out of reach', '');
}

/** How browsers say that a file of the console did not come, which after an upgrade is there under another name. */
const NO_PART = /dynamically imported module|Importing a module script failed|Unable to preload CSS/;

/** What went wrong, as a problem. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const said = error instanceof Error ? error.message : String(error);
  if (NO_PART.test(said)) return new ApiProblem(0, 'part-missing', 'a part of the console did not come', '');
  return new ApiProblem(0, 'console-failed', said, '');
}
