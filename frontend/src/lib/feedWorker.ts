import { parts } from './cursor';
import { ownFeed, type Heard, type Said, type Told } from './feed';

/** Events kept for tabs that come later, as many as the server keeps. */
const KEPT = 1024;

/** Runs once for all tabs (a SharedWorker): holds the one connection of the feed and tells every tab what it hears. */
const ports = new Set<MessagePort>();
/** What was heard since the event `from`, oldest first. */
let kept: Told[] = [];
let from = '';

const feed = ownFeed((heard) => {
  if (heard.what === 'event') {
    kept.push(heard);
    if (heard.kind === 'lost') [kept, from] = [[], heard.id];
    if (kept.length > KEPT) from = kept.shift()?.id ?? from;
  }
  for (const port of ports) port.postMessage(heard);
});

/** Tells a tab that comes later what it has missed since the event `after`. */
function catchUp(port: MessagePort, after: string) {
  const [run, number] = parts(after);
  const [ofRun, oldest] = parts(from);
  const tell = (told: Told) => port.postMessage({ what: 'event', ...told } satisfies Heard);
  if (run !== ofRun || number < oldest) tell({ id: kept.at(-1)?.id ?? from, kind: 'lost', body: '{}' });
  else for (const told of kept) if (parts(told.id)[1] > number) tell(told);
}

addEventListener('connect', (event) => {
  const port = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<Said>) => {
    if (data === 'end') {
      ports.delete(port);
      if (ports.size === 0) feed.end();
      return;
    }
    if (ports.size === 0) [kept, from] = [[], data.open];
    else if (!ports.has(port)) catchUp(port, data.open);
    ports.add(port);
    feed.open(data.open);
  };
});
