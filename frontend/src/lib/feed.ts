/** Names of the events that the server sends. */
const EVENTS = ['job.changed', 'job.progressed', 'table.judged', 'plugin.changed', 'config.changed', 'lost'];

/** An event with its id and its body as the server wrote them. */
export interface Told {
  id: string;
  kind: string;
  body: string;
}

/** What is heard of the feed: that it is open, that it broke off, or an event. */
export type Heard = { what: 'open' } | { what: 'broken' } | ({ what: 'event' } & Told);
export type Hear = (heard: Heard) => void;

export interface Feed {
  /**
   * Opens it, to hear what came after the event with this id; anew where it has ended. A break alone mends by itself, with
   * what came meanwhile.
   */
  open: (after: string) => void;
  end: () => void;
}

/** The feed by a connection of one's own, of server-sent events. */
export function ownFeed(hear: Hear): Feed {
  let source: EventSource | null = null;
  return {
    open(after) {
      if (source && source.readyState !== EventSource.CLOSED) {
        if (source.readyState === EventSource.OPEN) hear({ what: 'open' });
        return;
      }
      const feed = new EventSource(`/api/events?${new URLSearchParams({ after }).toString()}`);
      source = feed;
      feed.onopen = () => hear({ what: 'open' });
      feed.onerror = () => hear({ what: 'broken' });
      for (const kind of EVENTS) {
        feed.addEventListener(kind, ({ lastEventId: id, data }: MessageEvent<string>) =>
          hear({ what: 'event', id, kind, body: data }),
        );
      }
    },
    end() {
      source?.close();
      source = null;
    },
  };
}

/** What a tab says to the worker: that it listens, from where on; or that it goes. */
export type Said = { open: string } | 'end';

/**
 * The feed by the one connection that all tabs share: a browser opens six to a server at most, and a tab that held one
 * for itself would let the seventh wait for ever. Where there is no such worker, a connection of one's own.
 */
export function openFeed(hear: Hear): Feed {
  if (!('SharedWorker' in window)) return ownFeed(hear);
  const worker = new SharedWorker(new URL('./feedWorker.ts', import.meta.url), { type: 'module', name: 'drls-feed' });
  const { port } = worker;
  const say = (said: Said) => port.postMessage(said);
  let own: Feed | null = null;
  let seen = '';
  const heard = (one: Heard) => {
    if (one.what === 'event') seen = one.id;
    hear(one);
  };
  port.onmessage = ({ data }: MessageEvent<Heard>) => heard(data);
  // The worker's file may be gone after an upgrade, or the browser may forbid it.
  worker.onerror = () => {
    own ??= ownFeed(heard);
    own.open(seen);
  };
  const leave = () => say('end');
  const open = (after: string) => {
    seen = after;
    if (own) own.open(after);
    else say({ open: after });
  };
  // A page that is kept for the way back hears again when it is shown, from where it was.
  const back = ({ persisted }: PageTransitionEvent) => {
    if (persisted) open(seen);
  };
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', back);
  return {
    open,
    end() {
      window.removeEventListener('pagehide', leave);
      window.removeEventListener('pageshow', back);
      leave();
      port.close();
      own?.end();
    },
  };
}
