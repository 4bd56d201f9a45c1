import { Progress as Radix } from 'radix-ui';

import { cn } from '@/lib/cn';

/** `value` of `max`; null where it is not known how far. */
export function Progress({
  value,
  max,
  label,
  className,
}: {
  value: number | null;
  max: number;
  label: string;
  className?: string;
}) {
  const share = value === null || max <= 0 ? null : Math.min(1, value / max);
  return (
    <Radix.Root
      value={share === null ? null : Math.round(share * 100)}
      aria-label={label}
      className={cn('h-1.5 w-full overflow-hidden rounded-full bg-muted', className)}
    >
      <Radix.Indicator
        className={cn(
          'h-full rounded-full bg-primary transition-[width] duration-300',
          share === null && 'w-1/3 animate-pulse',
        )}
        style={share === null ? undefined : { width: `${share * 100}%` }}
      />
    </Radix.Root>
  );
}
