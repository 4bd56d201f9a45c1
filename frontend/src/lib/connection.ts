import { now as serverTime } from './clock';
import { createStore } from './store';

/** Whether the server answers. `since` is when that changed last, by the server's clock, in milliseconds since the epoch. */
export interface Connection {
  here: boolean;
  /** The live feed is open; without it pages are as fresh as their last answer. */
  live: boolean;
  since: number;
}

export const connection = createStore<Connection>({ here: true, live: false, since: 0 });

export function setHere(here: boolean) {
  const now = connection.get();
  if (now.here !== here) connection.set({ ...now, here, since: serverTime() });
}

export function setLive(live: boolean) {
  const now = connection.get();
  if (now.live !== live) connection.set({ ...now, live });
}
