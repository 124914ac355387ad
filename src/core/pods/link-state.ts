/**
 * The link between a client and a job's pod, as a pure state machine: `overLink` does what the state says, tells what
 * came of it, and takes the next state. Times are milliseconds of one monotonic clock.
 */
export type Link =
  /** The journal arrives. */
  | { at: 'live'; since: number; attempt: number }
  /** There is no link; the next thing is to try. `refusals`: logins in a row that the far end refused. */
  | { at: 'lost'; attempt: number; refusals: number }
  /** A try failed, or a link broke; the next try is at `until`. */
  | { at: 'waiting'; until: number; attempt: number; refusals: number }
  /** No try will help: the pod is gone, or it refuses this client for good. */
  | { at: 'gone'; why: 'pod' | 'refused' };

export type LinkEvent =
  | { type: 'connected'; now: number }
  /** A link broke or a try failed in a way that passes. `random` is between 0 and 1. */
  | { type: 'failed'; now: number; random: number }
  /** The far end does not take our key, or shows a host key that is not the pod's. */
  | { type: 'refused'; now: number; random: number }
  | { type: 'waited' }
  | { type: 'pod-gone' };

/** A link that lived so long was a good one: the next try after it comes soon again. */
const goodMs = 30_000;
/** A stale address may lead to another machine for a moment, so a login is refused this often before it counts. */
const refusalsAllowed = 3;

/** Where attaching begins: with a link that somebody opened already, or without. */
export function firstLink(connected: boolean, now: number): Link {
  return connected ? { at: 'live', since: now, attempt: 0 } : { at: 'lost', attempt: 0, refusals: 0 };
}

/** The state after an event. An event that cannot happen in a state changes nothing. */
export function nextLink(link: Link, event: LinkEvent): Link {
  if (link.at === 'gone') {
    return link;
  }
  switch (event.type) {
    case 'pod-gone':
      return { at: 'gone', why: 'pod' };
    case 'connected':
      return link.at === 'lost' ? { at: 'live', since: event.now, attempt: link.attempt } : link;
    case 'waited':
      return link.at === 'waiting' ? { at: 'lost', attempt: link.attempt, refusals: link.refusals } : link;
    case 'failed':
      return pause(link, 0, event);
    case 'refused': {
      const refusals = (link.at === 'lost' ? link.refusals : 0) + 1;
      return refusals > refusalsAllowed ? { at: 'gone', why: 'refused' } : pause(link, refusals, event);
    }
  }
}

function pause(link: Exclude<Link, { at: 'gone' }>, refusals: number, event: { now: number; random: number }): Link {
  if (link.at === 'waiting') {
    return link;
  }
  const fresh = link.at === 'live' && event.now - link.since >= goodMs;
  const attempt = fresh ? 0 : link.attempt;
  return { at: 'waiting', until: event.now + delayMs(attempt, event.random), attempt: attempt + 1, refusals };
}

/** Milliseconds to the next try: 1, 2, 4 … 30 s, each varied by a quarter so that many clients do not come at once. */
export function delayMs(attempt: number, random: number): number {
  return Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)) * (0.75 + 0.5 * random);
}
