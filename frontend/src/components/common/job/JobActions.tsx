import { Ban, Undo2 } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { ENDED } from '@/api/live';
import { askAnew } from '@/api/queryClient';
import { RoleButton } from '@/components/common/RoleButton';
import { useChange } from '@/hooks/useApi';
import { notifyFailure } from '@/lib/notices';

type Job = Schemas['JobView'];

/** Whether there is anything to undo, so that the button has its place. */
function hasUndo({ state, plan, undoable }: Job): boolean {
  if (!plan || plan.steps.length === 0 || plan.reversibility === 'none') return false;
  return state === 'succeeded' || undoable.now !== false;
}

/** Why it can’t be undone now, where that is known. */
function noUndo({ undone_by: by, undoable }: Job): string | undefined {
  if (by) return 'It was undone already, or is being undone.';
  return undoable.now === false ? `It can’t be undone: ${undoable.reason ?? 'nobody knows why'}.` : undefined;
}

/** Cancel while it runs; undo when it has done something, off with the reason where that can’t be. `undone` gets the job that undoes it. */
export function JobActions({ job, undone }: { job: Job; undone?: (job: Job) => void }) {
  const refresh = () => askAnew({ queryKey: ['get', '/api/jobs'] });
  const cancel = useChange('post', '/api/jobs/{id}/cancel', {
    onError: notifyFailure('It can’t be cancelled'),
    onSettled: refresh,
  });
  const undo = useChange('post', '/api/jobs/{id}/undo', {
    onError: notifyFailure('It can’t be undone'),
    onSuccess: (answer) => undone?.(answer.job),
    onSettled: refresh,
  });
  const params = { params: { path: { id: job.id } } };
  if (!ENDED.includes(job.state)) {
    return (
      <RoleButton
        needs="operator"
        variant="outline"
        size="sm"
        disabled={cancel.isPending}
        onClick={() => cancel.mutate(params)}
      >
        <Ban /> Cancel
      </RoleButton>
    );
  }
  if (!hasUndo(job)) return null;
  return (
    <RoleButton
      needs="operator"
      variant="outline"
      size="sm"
      disabled={undo.isPending}
      not={noUndo(job)}
      onClick={() => undo.mutate(params)}
    >
      <Undo2 /> Undo
    </RoleButton>
  );
}
