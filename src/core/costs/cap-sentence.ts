import { clock } from '../format.ts';
import type { CapPromise } from './cap.ts';
import { dollars } from './meter.ts';

/** Who ends a pod whose cap is reached. */
export interface CapOwner {
  id: 'pod' | 'computer';
  armed: boolean;
  /** A sentence. */
  text: string;
}

export interface CapFacts extends CapPromise {
  /** Whether the watchdog on the pod may end it; undefined while it has not said. */
  armed: boolean | undefined;
  /** What the watchdog said of its key. */
  detail?: string | undefined;
}

/** The owners of a job's caps and which of them are armed. */
export function capOwners({ armed, detail }: CapFacts): CapOwner[] {
  const pod =
    armed === true
      ? "The watchdog on the pod ends it with the pod's own key, also while this computer is off."
      : `The watchdog on the pod cannot end it. ${detail ?? 'It has not tested its key yet.'}`;
  return [
    { id: 'pod', armed: armed === true, text: pod.trim() },
    {
      id: 'computer',
      armed: true,
      text: 'This computer ends the pod while it is on, connected and attached to the job.',
    },
  ];
}

/** What holds, in one or two sentences for people. */
export function capSentence(facts: CapFacts, now = new Date()): string {
  const by = facts.stopsBy === null ? undefined : when(new Date(facts.stopsBy), now);
  const most = facts.mostDollars === null ? '' : ` at no more than ${dollars(roundUp(facts.mostDollars))}`;
  if (facts.armed === true) {
    return by === undefined
      ? 'No cap limits this job; its pod ends itself when the job ends, also while this computer is off.'
      : `It will have stopped by ${by}${most}, also while this computer is off.`;
  }
  const why = facts.detail ?? 'Its pod cannot end itself.';
  const then =
    by === undefined
      ? 'No cap limits this job either: it goes on until its end, and its pod until this computer ends it.'
      : `With it on and connected, the job will have stopped by ${by}${most}.`;
  return `No cap holds while this computer is off: ${why} ${then}`;
}

/** A bound that is shown must not be less than the bound. */
function roundUp(amount: number): number {
  return amount >= 0.095 ? Math.ceil(amount * 100 - 1e-9) / 100 : amount;
}

/** `14:20`, with the date when that is not today. */
function when(time: Date, now: Date): string {
  // Up to the next whole minute, so that it is not earlier than the bound.
  const shown = new Date(Math.ceil(time.getTime() / 60_000) * 60_000);
  const date = shown.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return shown.toDateString() === now.toDateString() ? clock(shown) : `${clock(shown)} on ${date}`;
}
