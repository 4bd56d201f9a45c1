import { Link } from '@tanstack/react-router';
import { Rows3, Undo2 } from 'lucide-react';

import { CopyButton } from '@/components/common/CopyButton';
import { Button } from '@/components/ui/button';
import { Dialog, DialogContent, DialogDescription, DialogTitle } from '@/components/ui/dialog';
import { useMay } from '@/hooks/useSession';
import { exactTime } from '@/lib/format';

import type { Snapshot } from './snapshotGraph';
import type { TabProps } from './tabs';

/** One snapshot with all that its commit told, and the ways on from it. */
export function SnapshotDialog({
  snapshot,
  current,
  close,
  name,
  catalog,
}: TabProps & { snapshot: Snapshot; current: boolean; close: () => void }) {
  const may = useMay('operator');
  const { snapshot_id: id, summary, parent_id: parent } = snapshot;
  return (
    <Dialog open onOpenChange={(open) => !open && close()}>
      <DialogContent>
        <DialogTitle className="flex flex-wrap items-center gap-x-1 pr-8 font-medium">
          Snapshot {id} <CopyButton text={id} label="Copy the snapshot’s id" />
        </DialogTitle>
        <DialogDescription className="text-muted-foreground">
          {snapshot.operation}, {exactTime(snapshot.committed_at)}
          {parent && `, after ${parent}`}
        </DialogDescription>
        <dl className="mt-4">
          {Object.entries(summary).map(([key, value]) => (
            <div key={key} className="flex flex-wrap justify-between gap-x-4 py-0.5 break-all">
              <dt className="text-muted-foreground">{key}</dt>
              <dd className="tabular-nums">{value}</dd>
            </div>
          ))}
        </dl>
        <div className="mt-4 flex flex-wrap gap-2 border-t border-border pt-4">
          <Button asChild variant="outline" size="sm">
            <Link to="/tables/$name/$tab" params={{ name, tab: 'rows' }} search={{ catalog, snapshot: id }}>
              <Rows3 /> Its rows
            </Link>
          </Button>
          {may && snapshot.is_ancestor && !current && (
            <Button asChild variant="outline" size="sm">
              <Link
                to="/tables/$name/$tab"
                params={{ name, tab: 'operations' }}
                search={{ catalog, op: 'rollback', args: JSON.stringify({ snapshot_id: id }) }}
              >
                <Undo2 /> Roll back to this …
              </Link>
            </Button>
          )}
        </div>
      </DialogContent>
    </Dialog>
  );
}
