import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ClipboardList, Unplug } from 'lucide-react';
import { lazy, useEffect, useMemo, useRef, useState } from 'react';

import type { Schemas } from '@/api/client';
import { planOperation, runPlan } from '@/api/operations';
import { asProblem, type FieldError } from '@/api/problem';
import { isRecord } from '@/api/shapes';
import { ClampedText } from '@/components/common/ClampedText';
import { ErrorState } from '@/components/common/ErrorState';
import { NewVersion } from '@/components/common/NewVersion';
import { Part } from '@/components/common/Part';
import { RoleButton } from '@/components/common/RoleButton';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { useMay } from '@/hooks/useSession';

import { PlanCard } from './PlanCard';
import type { TabProps } from './tabs';

const SchemaForm = lazy(() => import('@/components/forms/SchemaForm'));

function readArguments(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** Where the arguments stand in the body. */
const BASE = '/arguments';

function atFields(errors: FieldError[]): FieldError[] {
  return errors
    .filter((one) => one.pointer.startsWith(BASE))
    .map((one) => ({ ...one, pointer: one.pointer.slice(BASE.length) }));
}

interface OperationPanelProps extends TabProps {
  current: Schemas['OperationItem'];
  /** No plugin offers it any more. */
  gone: boolean;
  args: string | undefined;
  planAtOnce: boolean;
  started: (job: string) => void;
}

/** One operation on one table: arguments, dry run, run. It keeps the version that it was opened with. */
export function OperationPanel({ current, gone, name, catalog, args, planAtOnce, started }: OperationPanelProps) {
  const [operation, keep] = useState(current);
  const [value, setValue] = useState(() => readArguments(args));
  const may = useMay('operator');
  const dry = useMutation({
    mutationFn: (given: Record<string, unknown>) =>
      planOperation({ operation: operation.id, table: name, catalog, arguments: given }),
  });
  const run = useMutation({ mutationFn: runPlan, onSuccess: (job) => started(job.id) });
  const { mutate: plan } = dry;
  const begun = useRef(false);
  useEffect(() => {
    if (!planAtOnce || !may || begun.current) return;
    begun.current = true;
    plan(readArguments(args));
  }, [planAtOnce, may, plan, args]);

  const shown = Boolean(dry.data);
  const problem = dry.error ? asProblem(dry.error) : null;
  const problems = useMemo(() => (problem?.status === 422 ? atFields(problem.errors) : []), [problem]);
  const placed = problem?.status === 422 && problems.length === problem.errors.length && problems.length > 0;
  const stale = run.error !== null && asProblem(run.error).status === 409;

  const not = gone ? `No plugin offers ${operation.id} now.` : undefined;

  const change = (next: Record<string, unknown>, byHand: boolean) => {
    setValue(next);
    if (!byHand) return;
    // A plan belongs to the arguments that it was made of.
    if (dry.data || dry.error) dry.reset();
    run.reset();
  };

  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <Section
        title={operation.title}
        aside={
          <Link
            to="/plugins/$id/$tab"
            params={{ id: operation.plugin.id, tab: 'overview' }}
            className="text-xs text-muted-foreground hover:text-foreground"
          >
            {operation.plugin.id} {operation.plugin.version}
          </Link>
        }
      >
        <div className="space-y-4 p-4">
          <p className="max-w-2xl text-muted-foreground">
            <ClampedText text={operation.summary} />
          </p>
          {current.plugin.digest !== operation.plugin.digest && (
            <NewVersion
              before={operation}
              after={current}
              take={() => {
                keep(current);
                dry.reset();
              }}
            />
          )}
          {gone && (
            <p role="status" className="flex items-start gap-2 rounded-md bg-warn-soft px-3 py-2">
              <Unplug aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
              <span>
                {operation.plugin.id} was taken out of service, so this can neither be planned nor run now. What you
                typed stays; it goes on once the plugin is back.
              </span>
            </p>
          )}
          <Part of={operation.id} fallback={<SkeletonRows rows={3} height={48} label="The form is being drawn" />}>
            <div>
              <SchemaForm
                key={operation.plugin.digest}
                id={`op-${operation.id}`}
                schema={operation.schema}
                value={value}
                onChange={change}
                onSubmit={(given) => plan(given)}
                problems={problems}
                disabled={dry.isPending || run.isPending}
              >
                <RoleButton
                  needs="operator"
                  type="submit"
                  variant={shown ? 'outline' : 'default'}
                  disabled={dry.isPending}
                  not={not}
                >
                  <ClipboardList /> {dry.isPending ? 'Planning …' : shown ? 'Plan again' : 'Dry run'}
                </RoleButton>
                <span className="ml-3 text-xs text-muted-foreground">shows what it would do; changes nothing</span>
              </SchemaForm>
            </div>
          </Part>
        </div>
      </Section>
      <div className="min-w-0 space-y-4">
        {problem && !placed && <ErrorState error={problem} title="It can’t be planned" retry={() => plan(value)} />}
        {!problem && (
          <PlanCard
            plan={dry.data}
            planning={dry.isPending}
            starting={run.isPending}
            mayRun={!stale}
            not={not}
            run={(chosen) => run.mutate(chosen)}
          />
        )}
        {run.error && (
          <ErrorState
            error={run.error}
            title={stale ? 'The table has moved since this was planned' : 'It was not started'}
            retry={() => {
              run.reset();
              plan(value);
            }}
          />
        )}
      </div>
    </div>
  );
}
