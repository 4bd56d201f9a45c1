import {
  CircleAlert,
  CircleCheck,
  Hourglass,
  PowerOff,
  ShieldAlert,
  ShieldQuestion,
  TriangleAlert,
} from 'lucide-react';

import type { Schemas } from '@/api/client';
import { Badge } from '@/components/ui/badge';

/** A plugin's state. One that serves while a newer file of it is refused is told as such. */
export function PluginState({ plugin }: { plugin: Schemas['PluginItem'] }) {
  if (plugin.waiting) {
    return (
      <Badge tone="warn">
        <ShieldQuestion aria-hidden />{' '}
        {plugin.state === 'active' ? 'serves, newer waits for a grant' : 'waits for a grant'}
      </Badge>
    );
  }
  if (plugin.state === 'active' && plugin.error) {
    return (
      <Badge tone="warn">
        <TriangleAlert aria-hidden />{' '}
        {plugin.error_code === 'quarantined' ? 'serves, newer failed' : 'serves, newer refused'}
      </Badge>
    );
  }
  if (plugin.state === 'active') {
    return (
      <Badge tone="good">
        <CircleCheck aria-hidden /> active
      </Badge>
    );
  }
  if (plugin.state === 'refused') {
    return (
      <Badge tone="bad">
        <CircleAlert aria-hidden /> refused
      </Badge>
    );
  }
  if (plugin.state === 'quarantined') {
    return (
      <Badge tone="bad">
        <ShieldAlert aria-hidden /> quarantined
      </Badge>
    );
  }
  if (plugin.state === 'disabled') {
    return (
      <Badge tone="outline">
        <PowerOff aria-hidden /> disabled
      </Badge>
    );
  }
  return (
    <Badge tone="info">
      <Hourglass aria-hidden /> {plugin.state}
    </Badge>
  );
}

/** "health-rule" in words. */
export function kindText(kind: string): string {
  return { 'health-rule': 'health rule', 'table-operation': 'operation' }[kind] ?? kind;
}
