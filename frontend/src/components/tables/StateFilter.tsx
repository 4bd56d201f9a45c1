import { Link } from '@tanstack/react-router';

import type { TableItem } from '@/api/tables';
import { Button } from '@/components/ui/button';
import { count, words } from '@/lib/format';

import { LEVELS, levelOf, type Level } from './HealthIndicator';
import { inState, type State } from './tableList';

function Chip({ to, on, label, times }: { to: State; on: boolean; label: string; times: number }) {
  return (
    <Button asChild variant={on ? 'secondary' : 'ghost'} size="sm">
      <Link to="/tables" search={(before) => ({ ...before, ...to })} aria-current={on ? 'true' : undefined}>
        {label} <span className="text-xs text-muted-foreground tabular-nums">{count(times)}</span>
      </Link>
    </Button>
  );
}

function tally(keys: (string | undefined)[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const key of keys) if (key) times.set(key, (times.get(key) ?? 0) + 1);
  return times;
}

/** Narrows the tables by how they are and by their worst finding; the counts are of what is listed so far. */
export function StateFilter({ tables, level, finding }: { tables: TableItem[] } & State) {
  const levels = tally(tables.map(({ health }) => health && levelOf(health.score)).map((one) => one ?? undefined));
  const found = inState(tables, { level, finding: undefined });
  const findings = [...tally(found.map(({ health }) => health?.worst?.code))].sort(([, a], [, b]) => b - a);
  const shown = (one: Level) => levels.has(one) || one === level;
  return (
    <nav aria-label="State" className="mb-2 flex h-10 items-center gap-1 overflow-x-auto p-0.5">
      <Chip to={{ level: undefined, finding: undefined }} on={!level && !finding} label="All" times={tables.length} />
      {LEVELS.filter(([one]) => shown(one)).map(([one, label]) => (
        <Chip
          key={one}
          to={{ level: one === level ? undefined : one, finding: undefined }}
          on={one === level}
          label={words(label)}
          times={levels.get(one) ?? 0}
        />
      ))}
      {findings.length > 0 && <span aria-hidden className="mx-1 h-5 w-px shrink-0 bg-border" />}
      {findings.map(([code, times]) => (
        <Chip
          key={code}
          to={{ finding: code === finding ? undefined : code, level }}
          on={code === finding}
          label={words(code)}
          times={times}
        />
      ))}
    </nav>
  );
}
