import type { Schemas } from '@/api/client';

import { bytes, count, duration } from './format';

/** A figure that an operation changes: before and after. */
const PAIRS = [
  ['files', 'Data files'],
  ['delete_files', 'Delete files'],
  ['manifests', 'Manifests'],
] as const;

/** A figure that an operation has once. */
const SINGLES = [
  ['snapshots_removed', 'Snapshots removed', count],
  ['bytes_read', 'Bytes read', bytes],
  ['bytes_freed', 'Bytes freed', bytes],
  ['duration', 'Time', duration],
] as const;

type Figures = Schemas['Effect'];

export interface Pair {
  label: string;
  before: number;
  after: number;
}

/** Figures with a before and an after; left out where the plan says nothing of them. */
export function pairs(effect: Figures): Pair[] {
  return PAIRS.flatMap(([name, label]) => {
    const before = effect[`${name}_before`] ?? null;
    const after = effect[`${name}_after`] ?? null;
    if (before === null || after === null || (before === 0 && after === 0)) return [];
    return [{ label, before, after }];
  });
}

export interface Single {
  label: string;
  text: string;
}

/** Figures that stand for themselves; nought is left out. */
export function singles(effect: Figures): Single[] {
  return SINGLES.flatMap(([name, label, show]) => {
    const value = effect[name];
    return value ? [{ label, text: show(value) }] : [];
  });
}

export interface Compared {
  label: string;
  promised: string;
  happened: string;
  /** Both are known and equal. */
  kept: boolean;
}

/** Promise beside result, figure by figure; a figure that neither knows is left out. */
export function compare(promise: Figures, result: Figures): Compared[] {
  type Line = [keyof Figures, string, (value: number) => string];
  const rows: Line[] = [
    ...PAIRS.map(([name, label]): Line => [`${name}_after`, `${label} after`, count]),
    ...SINGLES.map(([name, label, show]): Line => [name, label, show]),
  ];
  return rows.flatMap(([name, label, show]) => {
    const [promised, happened] = [promise[name] ?? null, result[name] ?? null];
    if (promised === null && happened === null) return [];
    if (!promised && !happened) return [];
    const tell = (value: number | null) => (value === null ? 'not told' : show(value));
    return [{ label, promised: tell(promised), happened: tell(happened), kept: promised === happened }];
  });
}

/** What a plan's reversibility means, in a sentence. */
export const REVERSIBILITY = {
  rollback: 'Can be undone while the snapshot before it is kept.',
  inverse: 'Can be undone by the opposite change.',
  none: 'Can’t be undone.',
} as const;

/** A typed step of a plan, in words. */
export function stepText(step: Schemas['Step']): string {
  switch (step.kind) {
    case 'rewrite-data-files':
      return `Rewrite data files by ${step.strategy}${step.order && ` in the order ${step.order}`}${step.filter && ` where ${step.filter}`}`;
    case 'rewrite-position-deletes':
      return 'Rewrite position deletes';
    case 'rewrite-manifests':
      return 'Rewrite manifests';
    case 'expire-snapshots':
      return `Expire ${count(step.snapshot_ids.length)} snapshots and delete the files that only they reach`;
    case 'remove-orphan-files':
      return 'Delete files that no metadata names';
    case 'add-column':
      return `Add the column ${step.path} of type ${step.data_type}`;
    case 'rename-column':
      return `Rename ${step.path} to ${step.name}`;
    case 'drop-column':
      return `Drop the column ${step.path}`;
    case 'set-properties':
      return `Set ${step.properties.map(([name, value]) => `${name} = ${value}`).join(', ')}`;
    case 'rollback':
      return `Make snapshot ${step.snapshot_id} the current one`;
  }
}
