/** The run of the server that gave an event its id, and the event's number in it. */
export function parts(id: string): [string, number] {
  const at = id.lastIndexOf('-');
  return [id.slice(0, at), Number(id.slice(at + 1))];
}

/** Whether event `one` came before event `other`. Of two runs of the server none did: the feed itself tells that. */
export function isOlder(one: string, other: string): boolean {
  const [run, number] = parts(one);
  const [ofRun, than] = parts(other);
  return run === ofRun && number < than;
}

/** Id of the event that was the newest when the oldest of the answers was made; empty where two runs of the server answered. */
let oldest: string | null = null;

/** Takes note of what an answer says was the newest event when it was asked for. */
export function learnNewest(id: string | null) {
  if (!id || oldest === '') return;
  if (oldest === null || isOlder(id, oldest)) oldest = id;
  else if (parts(id)[0] !== parts(oldest)[0]) oldest = '';
}

/** The event that the live feed begins after, so that it tells what no answer knows. */
export function feedStart(): string {
  return oldest ?? '';
}

/** Begins anew, for who signs in next. */
export function forgetAnswers() {
  oldest = null;
}
