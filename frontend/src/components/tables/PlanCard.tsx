import { Play } from 'lucide-react';
import { useEffect, useRef } from 'react';

import type { Schemas } from '@/api/client';
import { PlanView } from '@/components/common/job/PlanView';
import { RoleButton } from '@/components/common/RoleButton';
import { Section } from '@/components/common/Section';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';

interface PlanCardProps {
  plan: Schemas['PlanView'] | undefined;
  planning: boolean;
  starting: boolean;
  mayRun: boolean;
  /** Why it can’t be run at all. */
  not: string | undefined;
  run: (plan: Schemas['PlanView']) => void;
}

/** The plan and the button that runs it; the room for both before there is one. */
export function PlanCard({ plan, planning, starting, mayRun, not, run }: PlanCardProps) {
  const place = useRef<HTMLDivElement>(null);
  const id = plan?.id;
  useEffect(() => {
    // Beside the form on a wide screen, below it on a narrow one.
    if (id) place.current?.scrollIntoView({ block: 'nearest' });
  }, [id]);
  return (
    <div ref={place} className="scroll-my-4">
      <Section
        title="What it would do"
        aside={
          plan && (
            <span className="text-xs text-muted-foreground">
              planned <Ago at={plan.created_at} />
            </span>
          )
        }
      >
        {planning && <SkeletonRows rows={4} height={44} label="It is being planned" />}
        {!planning && !plan && (
          <p className="p-4 text-muted-foreground">
            The dry run tells here: files before and after, bytes, time, warnings, and whether it can be undone.
          </p>
        )}
        {!planning && plan && (
          <div className="p-4">
            <PlanView plan={plan} />
            {plan.steps.length > 0 && (
              <div className="mt-5 border-t border-border pt-4">
                <RoleButton needs="operator" disabled={starting || !mayRun} not={not} onClick={() => run(plan)}>
                  <Play /> {starting ? 'Starting …' : 'Run this plan'}
                </RoleButton>
              </div>
            )}
          </div>
        )}
      </Section>
    </div>
  );
}
