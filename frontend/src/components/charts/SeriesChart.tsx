import uPlot from 'uplot';
import { useEffect, useRef } from 'react';

import 'uplot/dist/uPlot.min.css';
import './chart.css';

import { compact } from '@/lib/format';
import { useStore } from '@/lib/store';
import { dark } from '@/lib/theme';

const FONT = '11px "Inter Variable", sans-serif';

interface SeriesChartProps {
  /** Times in seconds since the epoch, ascending; then two series of the same length. */
  data: [number[], number[], number[]];
  labels: [string, string];
  /** What it shows, for those who do not see it. */
  summary: string;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function axis(scale: string, side: 1 | 3): uPlot.Axis {
  return {
    scale,
    // The enum's names are types only; uPlot takes its numbers.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
    side,
    size: 52,
    font: FONT,
    stroke: colour('--muted-foreground'),
    grid: { show: side === 3, stroke: colour('--border'), width: 1 },
    ticks: { show: false },
    values: (_chart, values) => values.map(compact),
  };
}

function options(labels: [string, string], width: number, height: number): uPlot.Options {
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const line = (label: string, scale: string, stroke: string): uPlot.Series => ({
    label,
    scale,
    stroke,
    width: 1.75,
    points: { show: false },
    ...(stepped && { paths: stepped }),
    // Nothing, while nothing is pointed at.
    value: (_chart, value: number | null) => (value === null ? '–' : compact(value)),
  });
  return {
    width,
    height,
    cursor: { y: false, points: { size: 7 } },
    legend: { live: true },
    scales: {
      first: { range: (_chart, _low, high) => [0, high * 1.08 || 1] },
      second: { range: (_chart, _low, high) => [0, high * 1.08 || 1] },
    },
    series: [{}, line(labels[0], 'first', colour('--primary')), line(labels[1], 'second', colour('--warn'))],
    axes: [
      {
        stroke: colour('--muted-foreground'),
        grid: { show: false },
        ticks: { stroke: colour('--border'), width: 1 },
        size: 44,
        font: FONT,
      },
      axis('first', 3),
      axis('second', 1),
    ],
  };
}

/** Two series over time, each on its own scale. Drawn anew with the theme and the room that there is. */
export default function SeriesChart({ data, labels, summary }: SeriesChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const shade = useStore(dark);
  const [first, second] = labels;
  useEffect(() => {
    const element = holder.current;
    if (!element) return undefined;
    const legend = 28;
    const chart = new uPlot(
      options([first, second], element.clientWidth, element.clientHeight - legend),
      data,
      element,
    );
    const watch = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: element.clientHeight - legend }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      chart.destroy();
    };
  }, [data, first, second, shade]);
  return <div ref={holder} role="img" aria-label={summary} className="h-full overflow-hidden text-xs" />;
}
