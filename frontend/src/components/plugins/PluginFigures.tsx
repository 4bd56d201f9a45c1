import type { ReactNode } from 'react';

import type { Schemas } from '@/api/client';
import { Fact, Section } from '@/components/common/Section';
import { Ago, Bytes, Count } from '@/components/common/Values';
import { Badge } from '@/components/ui/badge';
import { micros } from '@/lib/format';

type Figures = Schemas['PluginFigures'];

const pair = (median: number | null | undefined, high: number | null | undefined) =>
  median == null ? '–' : `${micros(median)} / ${micros(high ?? median)}`;

/** What each column tells of a version, and how. Times are the median and the 99th percentile. */
const COLUMNS: [string, (of: Figures) => ReactNode][] = [
  ['Calls', ({ calls }) => <Count value={calls} />],
  [
    'Failed',
    ({ failures }) =>
      Object.entries(failures)
        .map(([kind, times]) => `${times} ${kind}`)
        .join(', ') || '0',
  ],
  ['A call', (of) => pair(of.p50_us, of.p99_us)],
  ['Its instance', (of) => pair(of.instantiate_p50_us, of.instantiate_p99_us)],
  ['Its wait', (of) => pair(of.wait_p50_us, of.wait_p99_us)],
  ['Memory at most', ({ memory_peak }) => <Bytes value={memory_peak} />],
];

/** What was counted since the server started, version by version, so that a new one can be held against the one before. */
export function PluginFigures({ plugin }: { plugin: Schemas['PluginDetail'] }) {
  return (
    <Section title="Figures">
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 p-4 sm:grid-cols-3">
        <Fact term="Loaded">
          <Ago at={plugin.loaded_at} />
        </Fact>
        <Fact term="Requests denied">
          <Count value={plugin.denials} />
        </Fact>
        <Fact term="Log lines dropped">
          <Count value={plugin.log_lines_dropped} />
        </Fact>
      </dl>
      {plugin.figures.length > 0 && (
        // A region that scrolls can be scrolled by keys.
        <div
          role="region"
          aria-label="Figures by version"
          tabIndex={0}
          className="overflow-x-auto border-t border-border"
        >
          <table className="w-full text-left text-nowrap">
            <caption className="sr-only">Figures by version; times are median and 99th percentile</caption>
            <thead>
              <tr className="border-b border-border text-xs text-muted-foreground">
                <th scope="col" className="px-4 py-1.5 font-medium">
                  Version
                </th>
                {COLUMNS.map(([title]) => (
                  <th key={title} scope="col" className="py-1.5 pr-4 text-right font-medium">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {plugin.figures.map((of) => (
                <tr key={of.digest} className="border-b border-border last:border-0">
                  <th scope="row" className="px-4 py-1.5 font-medium tabular-nums">
                    {of.version}{' '}
                    <code className="text-xs font-normal text-muted-foreground">{of.digest.slice(0, 12)}</code>
                    {of.digest === plugin.digest && plugin.state === 'active' && (
                      <Badge tone="good" className="ml-2">
                        serves
                      </Badge>
                    )}
                  </th>
                  {COLUMNS.map(([title, cell]) => (
                    <td key={title} className="py-1.5 pr-4 text-right tabular-nums">
                      {cell(of)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          <p className="border-t border-border px-4 py-2 text-xs text-muted-foreground">
            Times are the median / the 99th percentile; what was counted is of this run of the server.
          </p>
        </div>
      )}
    </Section>
  );
}
