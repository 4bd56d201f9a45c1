import { TriangleAlert } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { isRecord, text } from '@/api/shapes';
import { ClampedText } from '@/components/common/ClampedText';
import { CopyButton } from '@/components/common/CopyButton';
import { Section } from '@/components/common/Section';
import { Ago } from '@/components/common/Values';
import { Badge, type Tone } from '@/components/ui/badge';
import { duration } from '@/lib/format';

import { PluginFigures } from './PluginFigures';
import { PluginRights, SignedBy } from './PluginRights';
import { PluginVersions } from './PluginVersions';

type Plugin = Schemas['PluginDetail'];

const TONES: Record<string, Tone> = {
  active: 'good',
  configured: 'good',
  enabled: 'good',
  refused: 'bad',
  quarantined: 'bad',
  'rolled-back': 'warn',
  waiting: 'warn',
  denied: 'warn',
  disabled: 'outline',
  gone: 'outline',
  draining: 'outline',
};

function Timeline({ history }: { history: Schemas['PluginEvent'][] }) {
  return (
    <Section title="Its life">
      <ol className="p-4">
        {history.toReversed().map((event, at) => (
          <li
            key={at}
            className="relative flex gap-3 pb-2.5 pl-5 text-[0.8125rem] before:absolute before:top-2 before:bottom-[-0.5rem] before:left-[5px] before:w-px before:bg-border last:before:hidden"
          >
            <span
              aria-hidden
              className="absolute top-1.5 left-0 size-[11px] rounded-full border-2 border-card bg-muted-foreground"
            />
            <Badge tone={TONES[String(event.state)] ?? 'plain'} className="h-fit w-22 justify-center">
              {String(event.state)}
            </Badge>
            <span className="min-w-0 grow break-words">
              {event.version && <span className="mr-2 tabular-nums">{event.version}</span>}
              {event.detail && <ClampedText text={event.detail} className="text-muted-foreground" />}
            </span>
            <span className="w-16 shrink-0 text-right text-muted-foreground tabular-nums">
              {duration(event.took_ms)}
            </span>
            <span className="w-28 shrink-0 text-right text-muted-foreground max-sm:hidden">
              <Ago at={event.at} />
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

/** What it is and reads, its versions with their figures, and every step of its life. */
export function PluginOverview({ plugin }: { plugin: Plugin }) {
  const about = Object.values(plugin.descriptors).filter(isRecord);
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
      <div className="min-w-0 space-y-4">
        <PluginRights plugin={plugin} />
        {plugin.error && plugin.error_code !== 'needs-grant' && (
          <div role="alert" className="card flex gap-3 border-bad/35 p-4">
            <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
            <p className="min-w-0 break-words">
              {plugin.error_code && <code className="mr-2 text-xs text-bad">{plugin.error_code}</code>}
              <ClampedText text={plugin.error} />
            </p>
          </div>
        )}
        <Section title="What it is">
          <div className="space-y-3 p-4">
            {about.map((one) => (
              <p key={text(one.id)} className="max-w-2xl">
                <ClampedText text={text(one.summary)} />
              </p>
            ))}
            <dl className="space-y-3">
              <div>
                <dt className="eyebrow">Reads of a table</dt>
                <dd className="mt-1 flex flex-wrap gap-1">
                  {plugin.needs.map((need) => (
                    <Badge key={need}>{need}</Badge>
                  ))}
                  {plugin.needs.length === 0 && <span className="text-muted-foreground">nothing</span>}
                </dd>
              </div>
              {plugin.loaded_at && <SignedBy term="Signed by" signer={plugin.signed_by} warning={plugin.warning} />}
              {plugin.digest && (
                <div>
                  <dt className="eyebrow">Digest</dt>
                  <dd className="flex items-center gap-1">
                    <code className="truncate text-xs">{plugin.digest}</code>
                    <CopyButton text={plugin.digest} label="Copy the digest" />
                  </dd>
                </div>
              )}
            </dl>
          </div>
        </Section>
      </div>
      <div className="min-w-0 space-y-4">
        <PluginVersions plugin={plugin} />
        {plugin.last_error && (
          <Section title="Last failed call">
            <p className="p-4 break-words">
              <ClampedText text={plugin.last_error} />
            </p>
          </Section>
        )}
      </div>
      <div className="min-w-0 space-y-4 xl:col-span-2">
        <PluginFigures plugin={plugin} />
        <Timeline history={plugin.history} />
      </div>
    </div>
  );
}
