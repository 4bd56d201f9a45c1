import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';

import { cn } from '@/lib/cn';

const variants = cva(
  'inline-flex shrink-0 items-center gap-1 rounded-sm px-1.5 py-0.5 text-xs leading-4 font-medium whitespace-nowrap [&_svg]:size-3.5',
  {
    variants: {
      tone: {
        plain: 'bg-secondary text-secondary-foreground',
        good: 'bg-good-soft text-good',
        warn: 'bg-warn-soft text-warn',
        bad: 'bg-bad-soft text-bad',
        info: 'bg-info-soft text-info',
        outline: 'border border-border text-muted-foreground',
      },
    },
    defaultVariants: { tone: 'plain' },
  },
);

export type Tone = NonNullable<VariantProps<typeof variants>['tone']>;

export function Badge({ className, tone, ...props }: ComponentProps<'span'> & { tone?: Tone }) {
  return <span className={cn(variants({ tone }), className)} {...props} />;
}
