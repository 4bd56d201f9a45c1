import { ListChecks } from 'lucide-react';

import { Button, type ButtonProps } from '@/components/ui/button';

/** Opens the jobs, and says how many run, where that is known. */
export function TrayButton({ running, ...props }: ButtonProps & { running?: string }) {
  return (
    <Button
      variant="ghost"
      size="sm"
      aria-label={running ? `${running} ${running === '1' ? 'job runs' : 'jobs run'}` : 'Jobs'}
      aria-haspopup="dialog"
      data-opens="tray"
      className="min-w-9"
      {...props}
    >
      <ListChecks />
      {running && (
        <span className="grid h-4.5 min-w-4.5 place-items-center rounded-full bg-primary px-1 text-[0.6875rem] text-primary-foreground tabular-nums">
          {running}
        </span>
      )}
    </Button>
  );
}
