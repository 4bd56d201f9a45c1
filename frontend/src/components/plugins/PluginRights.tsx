import { KeyRound, ShieldCheck, ShieldOff, ShieldQuestion, TriangleAlert } from 'lucide-react';

import type { Schemas } from '@/api/client';
import { CopyButton } from '@/components/common/CopyButton';
import { RoleButton } from '@/components/common/RoleButton';
import { Section } from '@/components/common/Section';
import { Ago } from '@/components/common/Values';
import { Badge, type Tone } from '@/components/ui/badge';
import { useChange } from '@/hooks/useApi';
import { notifyFailure } from '@/lib/notices';

type Plugin = Schemas['PluginDetail'];
type Rights = Schemas['Rights'];

/** Hosts and methods in one order, with how each stands to what is granted. */
function marked(asked: string[], granted: string[]): { name: string; tone: Tone; sign: string }[] {
  const all = [...new Set([...asked, ...granted])].sort();
  return all.map((name) => {
    if (!asked.includes(name)) return { name, tone: 'outline', sign: 'granted, not asked for' };
    return granted.includes(name) ? { name, tone: 'good', sign: 'granted' } : { name, tone: 'warn', sign: 'new' };
  });
}

function Names({ term, names }: { term: string; names: ReturnType<typeof marked> }) {
  return (
    <div>
      <dt className="eyebrow">{term}</dt>
      <dd className="mt-1 flex flex-wrap gap-1.5">
        {names.map(({ name, tone, sign }) => (
          <Badge key={name} tone={tone}>
            <code className="break-all">{name}</code> <span>{sign}</span>
          </Badge>
        ))}
      </dd>
    </div>
  );
}

const isEmpty = (rights: Rights) => rights.http.hosts.length === 0;

/** What the plugin asks for beside what is granted, with the difference; an admin decides by one click. */
export function PluginRights({ plugin }: { plugin: Plugin }) {
  const change = useChange('put', '/api/plugins/{id}/grants', { onError: notifyFailure('The grant can’t be changed') });
  const { waiting, grant } = plugin;
  const asks = waiting?.asks ?? plugin.asks;
  if (isEmpty(asks) && grant == null) return null;
  const put = (body: Schemas['GrantRequest']) => change.mutate({ params: { path: { id: plugin.id } }, body });
  // A grant for another signer holds for none of this version's wishes.
  const wanting = (waiting ?? plugin).signed_by;
  const holds = grant && (grant.signer ?? null) === (wanting?.key ?? null) ? grant.http : undefined;
  const names = (part: 'hosts' | 'methods') => marked(asks.http[part], holds?.[part] ?? []);
  return (
    <Section
      title="Rights"
      aside={
        <span className="flex gap-2">
          {waiting && (
            <RoleButton
              needs="admin"
              size="sm"
              disabled={change.isPending}
              onClick={() => put({ ...asks, digest: waiting.digest })}
            >
              <ShieldCheck /> Grant to {waiting.version}
            </RoleButton>
          )}
          {grant && (
            <RoleButton needs="admin" size="sm" variant="outline" disabled={change.isPending} onClick={() => put({})}>
              <ShieldOff /> Take back
            </RoleButton>
          )}
        </span>
      }
    >
      <div className="space-y-3 p-4">
        {waiting && (
          <p role="status" className="flex gap-2">
            <ShieldQuestion aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
            <span>
              {waiting.version} waits: it wants to send requests that are not granted
              {plugin.state === 'active' ? `; ${plugin.version} serves until then.` : '.'}
              {grant && !holds && ' The grant is for versions of another signer.'}
            </span>
          </p>
        )}
        {waiting && (
          <dl>
            <SignedBy term={`${waiting.version} is signed by`} signer={wanting} />
          </dl>
        )}
        <dl className="space-y-3">
          <Names term="Sends requests to" names={names('hosts')} />
          <Names term="With" names={names('methods')} />
        </dl>
        {grant && (
          <p className="text-muted-foreground">
            Granted by {grant.by}, <Ago at={grant.at} />.
          </p>
        )}
        {plugin.denials > 0 && (
          <p className="flex gap-2">
            <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
            It wanted {plugin.denials} times what is not granted; its life and the audit trail tell what.
          </p>
        )}
      </div>
    </Section>
  );
}

/** Who signed a version, and what is wrong with that. */
export function SignedBy({
  term,
  signer,
  warning,
}: {
  term: string;
  signer: Plugin['signed_by'];
  warning?: string | null;
}) {
  return (
    <div>
      <dt className="eyebrow">{term}</dt>
      <dd className="mt-1 flex flex-wrap items-center gap-1.5">
        {signer ? (
          <>
            <KeyRound aria-hidden className="size-3.5" />
            {signer.name ?? 'a key that is not trusted here'}
            <code className="min-w-0 truncate text-xs text-muted-foreground">{signer.key}</code>
            <CopyButton text={signer.key} label="Copy the key" />
          </>
        ) : (
          <span className="text-muted-foreground">nobody</span>
        )}
        {warning && (
          <Badge tone="warn">
            <TriangleAlert aria-hidden /> {warning}
          </Badge>
        )}
      </dd>
    </div>
  );
}
