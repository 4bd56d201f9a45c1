import { cn } from '@/lib/cn';

export type Level = 'good' | 'warn' | 'bad';

const WORDS: Record<Level, string> = { good: 'healthy', warn: 'needs care', bad: 'sick' };
/** Worst first, with what people call them. */
export const LEVELS: [Level, string][] = [
  ['bad', WORDS.bad],
  ['warn', WORDS.warn],
  ['good', WORDS.good],
];
const FILL: Record<Level, string> = { good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad' };
const STROKE: Record<Level, string> = { good: 'stroke-good', warn: 'stroke-warn', bad: 'stroke-bad' };
const TEXT: Record<Level, string> = { good: 'text-good', warn: 'text-warn', bad: 'text-bad' };

/** One warning takes a table below 95, a critical finding below 70. */
export function levelOf(score: number): Level {
  if (score >= 95) return 'good';
  return score >= 70 ? 'warn' : 'bad';
}

/** A score from 0 to 100 as number and bar. The colour only repeats what the number says. */
export function HealthIndicator({ score, stale, className }: { score: number; stale?: boolean; className?: string }) {
  const level = levelOf(score);
  return (
    <span
      className={cn('inline-flex items-center gap-2', className)}
      title={stale ? 'The table or a rule has changed since; it is being judged anew' : WORDS[level]}
    >
      <span className={cn('w-7 text-right font-semibold tabular-nums', TEXT[level], stale && 'opacity-70')}>
        {score}
      </span>
      <span aria-hidden className="h-1.5 w-14 overflow-hidden rounded-full bg-muted">
        <span className={cn('block h-full rounded-full', FILL[level])} style={{ width: `${score}%` }} />
      </span>
      <span className="sr-only">of 100, {WORDS[level]}</span>
    </span>
  );
}

/** The same as a ring, for the head of a page; null where the table can't be judged. */
export function HealthRing({ score }: { score: number | null }) {
  const level = levelOf(score ?? 0);
  const around = 2 * Math.PI * 26;
  const label = score === null ? 'Health not known' : `Health ${score} of 100, ${WORDS[level]}`;
  return (
    <div className="relative size-16 shrink-0" role="img" aria-label={label}>
      <svg viewBox="0 0 60 60" className="size-16 -rotate-90">
        <circle cx="30" cy="30" r="26" fill="none" strokeWidth="6" className="stroke-muted" />
        {score !== null && (
          <circle
            cx="30"
            cy="30"
            r="26"
            fill="none"
            strokeWidth="6"
            strokeLinecap="round"
            strokeDasharray={`${(around * score) / 100} ${around}`}
            className={cn(STROKE[level], 'transition-[stroke-dasharray] duration-500')}
          />
        )}
      </svg>
      <span aria-hidden className="absolute inset-0 grid place-items-center text-lg font-semibold tabular-nums">
        {score ?? '–'}
      </span>
    </div>
  );
}
