/** Names of the events that the server sends. */
export const EVENTS = ['job.changed', 'job.progressed', 'table.judged', 'plugin.changed', 'config.changed', 'lost'];

/** What is heard of the feed: that it is open, that it broke off, or an event with its body. */
export type Heard = { what: 'open' } | { what: 'broken' } | { what: 'event'; kind: string; body: string };
export type Hear = (heard: Heard) => void;

export interface Feed {
  /** Opens it anew where it has ended; a break alone mends by itself. */
  open: () => void;
  end: () => void;
}

/** The feed by a connection of one's own. It speaks server-sent events, which resume by themselves after a break. */
export function ownFeed(hear: Hear): Feed {
  let source: EventSource | null = null;
  return {
    open() {
      if (source && source.readyState !== EventSource.CLOSED) {
        if (source.readyState === EventSource.OPEN) hear({ what: 'open' });
        return;
      }
      const feed = new EventSource('/api/events');
      source = feed;
      feed.onopen = () => hear({ what: 'open' });
      feed.onerror = () => hear({ what: 'broken' });
      for (const kind of EVENTS) {
        feed.addEventListener(kind, (event: MessageEvent<string>) => hear({ what: 'event', kind, body: event.data }));
      }
    },
    end() {
      source?.close();
      source = null;
    },
  };
}

/**
 * The feed by the one connection that all tabs share: a browser opens six to a server at most, and a tab that held one
 * for itself would let the seventh wait for ever. Where there is no such worker, a connection of one's own.
 */
export function openFeed(hear: Hear): Feed {
  if (!('SharedWorker' in window)) return ownFeed(hear);
  const worker = new SharedWorker(new URL('./feedWorker.ts', import.meta.url), { type: 'module', name: 'drls-feed' });
  const { port } = worker;
  let own: Feed | null = null;
  port.onmessage = ({ data }: MessageEvent<Heard>) => hear(data);
  // The worker's file may be gone after an upgrade, or the browser may forbid it.
  worker.onerror = () => {
    own ??= ownFeed(hear);
    own.open();
  };
  const open = () => (own ? own.open() : port.postMessage('open'));
  const leave = () => port.postMessage('end');
  // A page that is kept for the way back hears again when it is shown.
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', open);
  return {
    open,
    end() {
      window.removeEventListener('pagehide', leave);
      window.removeEventListener('pageshow', open);
      leave();
      port.close();
      own?.end();
    },
  };
}
