import { ownFeed } from './feed';

/** Runs once for all tabs (a SharedWorker): holds the one connection of the feed and tells every tab what it hears. */
const ports = new Set<MessagePort>();
const feed = ownFeed((heard) => {
  for (const port of ports) port.postMessage(heard);
});

addEventListener('connect', (event) => {
  const port = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<'open' | 'end'>) => {
    if (data === 'open') {
      ports.add(port);
      feed.open();
    } else {
      ports.delete(port);
      if (ports.size === 0) feed.end();
    }
  };
});
