import { useEffect, useState } from 'react';

import { now } from '@/lib/clock';

/** The server's time, told again every `every` milliseconds. */
export function useNow(every: number): number {
  const [time, setTime] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setTime(now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return time;
}
