import { CirclePower, PowerOff, Undo2 } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { ClampedText } from '@/components/common/ClampedText';
import { RoleButton } from '@/components/common/RoleButton';
import { Section } from '@/components/common/Section';
import { Ago } from '@/components/common/Values';
import { Badge } from '@/components/ui/badge';
import { useChange } from '@/hooks/useApi';
import { notifyFailure } from '@/lib/notices';

type Plugin = Schemas['PluginDetail'];

/** Takes the plugin out of service, or lets it serve again. */
function Switch({ plugin }: { plugin: Plugin }) {
  const disable = useChange('post', '/api/plugins/{id}/disable', { onError: notifyFailure('It can’t be disabled') });
  const enable = useChange('post', '/api/plugins/{id}/enable', { onError: notifyFailure('It can’t be enabled') });
  const params = { params: { path: { id: plugin.id } } };
  const waits = plugin.disabled != null || plugin.state === 'quarantined' || plugin.error_code === 'quarantined';
  const label = plugin.disabled == null && waits ? 'Let it try again' : 'Enable';
  return (
    <span className="flex gap-2">
      {waits && (
        <RoleButton needs="admin" size="sm" disabled={enable.isPending} onClick={() => enable.mutate(params)}>
          <CirclePower /> {label}
        </RoleButton>
      )}
      {plugin.disabled == null && (
        <RoleButton
          needs="admin"
          size="sm"
          variant="outline"
          disabled={disable.isPending}
          onClick={() => disable.mutate(params)}
        >
          <PowerOff /> Disable
        </RoleButton>
      )}
    </span>
  );
}

function Version({ plugin, kept }: { plugin: Plugin; kept: Schemas['PluginVersion'] }) {
  const back = useChange('post', '/api/plugins/{id}/rollback', { onError: notifyFailure('It can’t go back') });
  const params = { params: { path: { id: plugin.id } }, body: { to: kept.digest } };
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-t border-border px-4 py-2 first:border-t-0">
      <span className="font-medium tabular-nums">{kept.version}</span>
      <code className="text-xs text-muted-foreground">{kept.digest.slice(0, 12)}</code>
      {kept.serving && !kept.quarantine && <Badge tone="good">serves</Badge>}
      {kept.quarantine && <Badge tone="bad">quarantined</Badge>}
      <span className="grow text-right text-xs text-muted-foreground">
        <Ago at={kept.served_at} />
      </span>
      {!kept.serving && (
        <RoleButton
          needs="admin"
          size="sm"
          variant="outline"
          disabled={back.isPending}
          onClick={() => back.mutate(params)}
        >
          <Undo2 /> Go back to {kept.version}
        </RoleButton>
      )}
      {kept.quarantine && (
        <p className="w-full break-words text-muted-foreground">
          <ClampedText text={kept.quarantine.reason} />
        </p>
      )}
    </li>
  );
}

/** The versions that are kept, each a click away, and the switch of the whole plugin. */
export function PluginVersions({ plugin }: { plugin: Plugin }) {
  return (
    <Section title="Versions" aside={<Switch plugin={plugin} />}>
      {plugin.disabled && (
        <p className="px-4 pt-3">
          Disabled by {plugin.disabled.by}, <Ago at={plugin.disabled.at} />. No new file changes that.
        </p>
      )}
      <ol>
        {plugin.versions.map((kept) => (
          <Version key={kept.digest} plugin={plugin} kept={kept} />
        ))}
      </ol>
      {plugin.versions.length === 0 && <p className="p-4 text-muted-foreground">None has served yet.</p>}
    </Section>
  );
}
