import { TriangleAlert, Undo2 } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { cn } from '@/lib/cn';
import { pairs, REVERSIBILITY, singles, stepText, type Pair } from '@/lib/effects';
import { count } from '@/lib/format';

function Bar({ value, most, className }: { value: number; most: number; className: string }) {
  return (
    <span aria-hidden className="block h-2.5 rounded-sm bg-muted">
      <span
        className={cn('block h-full min-w-px rounded-sm', className)}
        style={{ width: `${most > 0 ? (100 * value) / most : 0}%` }}
      />
    </span>
  );
}

function BeforeAfter({ label, before, after }: Pair) {
  const most = Math.max(before, after);
  return (
    <div>
      <p className="eyebrow">{label}</p>
      <div className="mt-1 grid grid-cols-2 gap-4">
        <div>
          <p className="mb-1">
            <span className="text-lg font-semibold tabular-nums">{count(before)}</span>{' '}
            <span className="text-muted-foreground">now</span>
          </p>
          <Bar value={before} most={most} className="bg-muted-foreground/60" />
        </div>
        <div>
          <p className="mb-1">
            <span className="text-lg font-semibold tabular-nums">{count(after)}</span>{' '}
            <span className="text-muted-foreground">after</span>
          </p>
          <Bar value={after} most={most} className="bg-primary" />
        </div>
      </div>
    </div>
  );
}

/** What a plan promises: before and after side by side, what it costs, what to know before the click. */
export function PlanView({ plan }: { plan: Schemas['PlanView'] }) {
  const changes = pairs(plan.effect);
  const costs = singles(plan.effect);
  if (plan.steps.length === 0) {
    return (
      <div className="space-y-2">
        <p className="font-medium">There is nothing to do.</p>
        {plan.warnings.map((warning) => (
          <p key={warning} className="break-words text-muted-foreground">
            {warning}
          </p>
        ))}
      </div>
    );
  }
  return (
    <div className="space-y-4">
      {changes.length > 0 && (
        <div className="space-y-3">
          {changes.map((change) => (
            <BeforeAfter key={change.label} {...change} />
          ))}
        </div>
      )}
      {costs.length > 0 && (
        <dl className="flex flex-wrap gap-x-8 gap-y-2">
          {costs.map(({ label, text }) => (
            <div key={label}>
              <dt className="eyebrow">{label}</dt>
              <dd className="font-medium tabular-nums">{text}</dd>
            </div>
          ))}
        </dl>
      )}
      <ol className="space-y-1">
        {plan.steps.map((step, at) => (
          <li key={at} className="flex gap-2">
            <span className="w-4 text-right text-muted-foreground tabular-nums">{at + 1}</span>
            {stepText(step)}
          </li>
        ))}
      </ol>
      <p className="flex items-start gap-2">
        <Undo2 aria-hidden className="mt-0.5 size-4 shrink-0 text-muted-foreground" />
        {REVERSIBILITY[plan.reversibility]}
      </p>
      {plan.warnings.map((warning) => (
        <p key={warning} className="flex items-start gap-2 rounded-md bg-warn-soft px-3 py-2">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
          <span className="min-w-0 break-words">{warning}</span>
        </p>
      ))}
    </div>
  );
}
