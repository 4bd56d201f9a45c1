import { Link } from '@tanstack/react-router';

import { useApi } from '@/hooks/useApi';

import type { Report } from './report';

/** The rules that looked at the table and found nothing: what was not looked at is not healthy by that. */
export function QuietRules({ report }: { report: Report }) {
  const plugins = useApi('get', '/api/plugins');
  const spoke = new Set([...report.findings, ...report.failed_rules].map(({ rule }) => rule.id));
  const quiet = (plugins.data?.items ?? []).filter(
    ({ id, kinds, state }) => state === 'active' && kinds.includes('health-rule') && !spoke.has(id),
  );
  if (quiet.length === 0) return null;
  return (
    <section aria-label="Rules that found nothing" className="text-muted-foreground">
      Looked and found nothing:{' '}
      {quiet.map(({ id, title }, at) => (
        <span key={id}>
          {at > 0 && ', '}
          <Link
            to="/plugins/$id/$tab"
            params={{ id, tab: 'overview' }}
            className="text-foreground underline decoration-border underline-offset-2 hover:decoration-foreground"
          >
            {title ?? id}
          </Link>
        </span>
      ))}
      .
    </section>
  );
}
