import type { UseQueryResult } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { CircleAlert, CircleCheck, Info, TriangleAlert, Wrench } from 'lucide-react';

import type { Schemas } from '@/api/client';
import type { Finding, Severity } from '@/api/shapes';
import { EmptyState } from '@/components/common/EmptyState';
import { ErrorState } from '@/components/common/ErrorState';
import { RoleButton } from '@/components/common/RoleButton';
import { SkeletonRows } from '@/components/common/Skeleton';
import { Ago } from '@/components/common/Values';
import { Badge, type Tone } from '@/components/ui/badge';
import { useApi } from '@/hooks/useApi';
import { words } from '@/lib/format';

import { EvidenceBar } from './EvidenceBar';
import { QuietRules } from './QuietRules';
import type { TabProps } from './tabs';

const SEVERITY: Record<Severity, [Tone, typeof Info]> = {
  critical: ['bad', CircleAlert],
  warning: ['warn', TriangleAlert],
  info: ['info', Info],
};

function Remedy({ remedy, name, catalog, first }: TabProps & { remedy: Finding['remedy']; first: boolean }) {
  const navigate = useNavigate();
  const operations = useApi('get', '/api/operations');
  if (!remedy) return null;
  const operation = operations.data?.items.find((one) => one.id === remedy.operation);
  const open = () =>
    void navigate({
      to: '/tables/$name/$tab',
      params: { name, tab: 'operations' },
      search: { catalog, op: remedy.operation, args: JSON.stringify(remedy.arguments), plan: true },
    });
  const missing = operations.data && !operation;
  return (
    <RoleButton
      needs="operator"
      variant={first ? 'default' : 'outline'}
      size="sm"
      not={missing ? `No plugin offers ${remedy.operation} now. It works again once one does.` : undefined}
      title={missing ? undefined : 'Shows the plan first; nothing is changed yet'}
      onClick={open}
    >
      <Wrench /> {operation?.title ?? words(remedy.operation)} …
    </RoleButton>
  );
}

function FindingCard({ finding, first, ...table }: TabProps & { finding: Finding; first: boolean }) {
  const [tone, Icon] = SEVERITY[finding.severity];
  return (
    <li className="card p-4">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 flex-1 basis-80">
          <h2 className="font-medium break-words">{finding.title}</h2>
          <p className="mt-1.5 flex flex-wrap items-center gap-2 text-xs text-muted-foreground">
            <Badge tone={tone}>
              <Icon aria-hidden />
              {finding.severity}
            </Badge>
            <span>
              {finding.penalty} {finding.penalty === 1 ? 'point' : 'points'} off
            </span>
            <span>
              by{' '}
              <Link
                to="/plugins/$id/$tab"
                params={{ id: finding.rule.id, tab: 'overview' }}
                className="text-foreground underline decoration-border underline-offset-2 hover:decoration-foreground"
                title={`digest ${finding.rule.digest}`}
              >
                {finding.rule.id}
              </Link>{' '}
              {finding.rule.version}
            </span>
          </p>
        </div>
        <Remedy remedy={finding.remedy} first={first} {...table} />
      </div>
      {finding.evidence.length > 0 && (
        <div className="mt-3 border-t border-border pt-2">
          {finding.evidence.map((evidence) => (
            <EvidenceBar key={evidence.name} evidence={evidence} />
          ))}
        </div>
      )}
    </li>
  );
}

/** The report: every finding with its evidence and the button of its remedy; rules that failed hide none of them. */
export function OverviewTab({
  name,
  catalog,
  health,
}: TabProps & { health: UseQueryResult<Schemas['Report'], unknown> }) {
  const report = health.data;
  if (health.isError && report?.table !== name) {
    return <ErrorState error={health.error} title="The table can’t be judged" retry={() => void health.refetch()} />;
  }
  if (report?.table !== name) {
    return (
      <div className="card">
        <SkeletonRows rows={5} height={72} label="The table is being judged" />
      </div>
    );
  }
  const findings = report.findings;
  return (
    <div className="space-y-3">
      <p className="text-muted-foreground">
        Judged <Ago at={report.as_of} />
        {report.stale && ' on an older state of the table; it is being judged anew'}
        {findings.length > 1 && '. The findings that cost most come first.'}
      </p>
      {findings.length === 0 && report.failed_rules.length === 0 && (
        <div className="card">
          <EmptyState icon={CircleCheck} title="Nothing is wrong with this table">
            Every loaded rule looked at it and found nothing to tell.{' '}
            <Link to="/plugins" className="text-primary underline underline-offset-2">
              See the rules
            </Link>
          </EmptyState>
        </div>
      )}
      <ol className="space-y-3">
        {findings.map((finding, at) => (
          <FindingCard
            key={finding.rule.id + finding.code}
            finding={finding}
            name={name}
            catalog={catalog}
            first={at === 0}
          />
        ))}
      </ol>
      {report.failed_rules.map(({ rule, error }) => (
        <div key={rule.id} className="card flex gap-3 border-warn/40 p-4">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
          <div className="min-w-0">
            <p className="font-medium">
              The rule{' '}
              <Link to="/plugins/$id/$tab" params={{ id: rule.id, tab: 'log' }} className="underline">
                {rule.id}
              </Link>{' '}
              {rule.version} gave no answer
            </p>
            <p className="break-words text-muted-foreground">{error}</p>
          </div>
        </div>
      ))}
      <QuietRules report={report} />
    </div>
  );
}
