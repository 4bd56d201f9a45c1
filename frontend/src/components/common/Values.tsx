import { useIdle } from '@/hooks/useIdle';
import { useNow } from '@/hooks/useNow';
import { ago, bytes, compact, count, exactTime } from '@/lib/format';

/** A time as people say it; exact on hover, once the page stands: the browser's calendar takes long to come. */
export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow(30_000);
  const stands = useIdle();
  if (!at) return <span className="text-muted-foreground">–</span>;
  return (
    <time dateTime={at} title={stands ? exactTime(at) : undefined} className="whitespace-nowrap">
      {ago(at, now)}
    </time>
  );
}

/** A size as people read it; in bytes on hover. */
export function Bytes({ value }: { value: number | null | undefined }) {
  if (value === null || value === undefined) return <span className="text-muted-foreground">–</span>;
  return (
    <span title={`${count(value)} bytes`} className="whitespace-nowrap tabular-nums">
      {bytes(value)}
    </span>
  );
}

/** A count; in full on hover where it is shortened. */
export function Count({ value }: { value: number | null | undefined }) {
  if (value === null || value === undefined) return <span className="text-muted-foreground">–</span>;
  return (
    <span title={count(value)} className="tabular-nums">
      {compact(value)}
    </span>
  );
}
