/**
 * The link between a client and a job's pod, as a pure state machine: `overLink` does what the state says, tells what
 * came of it, and takes the next state. Times are milliseconds of one monotonic clock.
 */
export type Link =
  /** The journal arrives. */
  | { at: 'live'; since: number; attempt: number; down: number }
  /** There is no link; the next thing is to try. `refusals`: logins in a row that the far end refused. */
  | { at: 'lost'; since: number; attempt: number; refusals: number; down: number }
  /** A try failed, or a link broke; the next try is at `until`. `down`: milliseconds since there was a good link. */
  | { at: 'waiting'; since: number; until: number; attempt: number; refusals: number; down: number }
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

/**
 * Work that must be done waits so long for a good link, then it is given up: longer than a change of networks or a walk
 * between two rooms, far shorter than the pod waits for its job (`guardMinutes`), for it is paid for meanwhile.
 */
export const linkPatienceMinutes = 10;
/** A link that lived so long was a good one: the next try after it comes soon again. */
const goodMs = 30_000;
/** One try and its pause take less. Where more has passed, this computer slept, which is nobody's impatience. */
const sleptMs = 120_000;
const longestPauseMs = 8_000;
/** A stale address may lead to another machine for a moment, so a login is refused this often before it counts. */
const refusalsAllowed = 3;

/** Where attaching begins: with a link that somebody opened already, or without. */
export function firstLink(connected: boolean, now: number): Link {
  const fresh = { since: now, attempt: 0, down: 0 };
  return connected ? { at: 'live', ...fresh } : { at: 'lost', ...fresh, refusals: 0 };
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
      return link.at === 'lost'
        ? { at: 'live', since: event.now, attempt: link.attempt, down: downAt(link, event.now) }
        : link;
    case 'waited': {
      if (link.at !== 'waiting') {
        return link;
      }
      const { since, attempt, refusals, down } = link;
      return { at: 'lost', since, attempt, refusals, down };
    }
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
  const { now } = event;
  const down = fresh ? 0 : downAt(link, now);
  return {
    at: 'waiting',
    since: now,
    until: now + delayMs(attempt, event.random),
    attempt: attempt + 1,
    refusals,
    down,
  };
}

/** Links that break at once are none, so their time counts too. */
function downAt(link: { since: number; down: number }, now: number): number {
  return link.down + Math.min(now - link.since, sleptMs);
}

/** Milliseconds to the next try: 1, 2, 4, 8 s, each varied by a quarter so that many clients do not come at once. */
export function delayMs(attempt: number, random: number): number {
  return Math.min(longestPauseMs, 1000 * 2 ** Math.min(attempt, 5)) * (0.75 + 0.5 * random);
}
