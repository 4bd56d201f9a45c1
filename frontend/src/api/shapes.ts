import type { Schemas } from './client';

export type Severity = Schemas['Severity'];
export type Finding = Schemas['RuleFinding'];

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Objects in a list; what is none is left out. */
export function records(value: unknown): Record<string, unknown>[] {
  return list(value).filter(isRecord);
}
