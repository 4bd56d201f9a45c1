import { Sparkles } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { Button } from '@/components/ui/button';
import { difference } from '@/lib/schemaDifference';

interface Versioned {
  plugin: Schemas['PluginRef'];
  schema: Record<string, unknown>;
}

/** A form that is open keeps its version; this offers the one that serves now, and says what is different. */
export function NewVersion({ before, after, take }: { before: Versioned; after: Versioned; take: () => void }) {
  const { added, removed, changed } = difference(before.schema, after.schema);
  const told = [
    added.length > 0 && `new: ${added.join(', ')}`,
    removed.length > 0 && `gone: ${removed.join(', ')}`,
    changed.length > 0 && `changed: ${changed.join(', ')}`,
  ].filter(Boolean);
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md bg-info-soft px-3 py-2">
      <Sparkles aria-hidden className="size-4 shrink-0 text-info" />
      <p className="min-w-0 grow">
        {after.plugin.id} {after.plugin.version} serves now; this form is of {before.plugin.version}.{' '}
        <span className="text-muted-foreground">
          {told.length > 0 ? `Fields: ${told.join('; ')}.` : 'The fields are the same.'}
        </span>
      </p>
      <Button variant="outline" size="sm" onClick={take}>
        Use {after.plugin.version}
      </Button>
    </div>
  );
}
