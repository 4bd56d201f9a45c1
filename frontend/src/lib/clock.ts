/** The server's clock less ours, in milliseconds: "3 minutes ago" is told by the clock that wrote the time. */
let skew = 0;

/** Takes the server's time from the `Date` header of an answer (whole seconds, so less than two apart is no skew). */
export function learnClock(header: string | null): void {
  const at = header ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(at)) return;
  const found = at - Date.now();
  skew = Math.abs(found) < 2000 ? 0 : found;
}

/** Now, by the server's clock, in milliseconds since the epoch. */
export function now(): number {
  return Date.now() + skew;
}

/** How far this machine's clock is off, in milliseconds; 0 where it is near enough. */
export function clockSkew(): number {
  return skew;
}
