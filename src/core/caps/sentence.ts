import { clock, dollars } from '../words/index.ts';
import type { CapKey } from '../journal/events.ts';
import { makeEndKey } from '../pods/end-key.ts';
import type { Remedy } from '../remedy.ts';
import type { CapPromise } from './cap.ts';

/** Who ends a pod whose cap is reached. */
export interface CapOwner {
  id: 'pod' | 'user-key' | 'computer';
  armed: boolean;
  /** A sentence. */
  text: string;
}

export interface CapFacts extends CapPromise {
  /** Whether the keeper on the pod may end it; undefined while it has not said. */
  armed: boolean | undefined;
  /** What the keeper said of its keys. */
  detail?: string | undefined;
  /** The keys on the pod, one by one; none where the keeper has not said or is of an older kind. */
  keys?: readonly CapKey[] | undefined;
}

const withPodKey = "The keeper on the pod ends it with the pod's own key";
const off = 'also while this computer is off.';

/** The owners of a job's caps and which of them are armed. */
export function capOwners({ armed, detail, keys = [] }: CapFacts): CapOwner[] {
  const own = keys.find((k) => k.owner === 'pod-key');
  const user = keys.find((k) => k.owner === 'user-key');
  const podArmed = own === undefined ? armed === true : own.state === 'armed';
  const why = own?.detail ?? detail ?? 'It has not tested its key yet.';
  return [
    {
      id: 'pod',
      armed: podArmed,
      text: podArmed ? `${withPodKey}, ${off}` : `The keeper on the pod cannot end it with the pod's own key. ${why}`,
    },
    ...(user === undefined
      ? []
      : [
          {
            id: 'user-key' as const,
            armed: user.state === 'armed',
            text:
              user.state === 'armed'
                ? `The keeper on the pod ends it with the key of your secret, ${off}`
                : `The keeper on the pod cannot end it with the key of your secret. ${user.detail}`,
          },
        ]),
    {
      id: 'computer',
      armed: true,
      text: 'This computer ends the pod while it is on, connected and attached to the job.',
    },
  ];
}

/** What holds, in a few sentences for people. */
export function capSentence(facts: CapFacts, now = new Date()): string {
  const by = facts.stopsBy === null ? undefined : when(new Date(facts.stopsBy), now);
  const most = facts.mostDollars === null ? '' : `, for at most ${dollars(roundUp(facts.mostDollars))}`;
  if (facts.armed === true) {
    const holds =
      by === undefined
        ? `No cap limits this job; its pod ends itself when the job ends, ${off}`
        : `It will have stopped by ${by}${most}, ${off}`;
    return `${holds}${withWhich(facts)}`;
  }
  const why = facts.detail ?? 'Its pod cannot end itself.';
  const then =
    by === undefined
      ? 'No cap limits this job either: it goes on until its end, and its pod until this computer ends it.'
      : `With it on and connected, the job will have stopped by ${by}${most}.`;
  return `No cap holds while this computer is off: ${why} ${then}${wantsKey(facts) ? ` ${makeEndKey}` : ''}`;
}

/** The acts that help where no cap holds. */
export function capRemedies(facts: CapFacts): Remedy[] {
  return facts.armed !== true && wantsKey(facts) ? [{ do: 'set-end-key-secret' }] : [];
}

/** With which keys the pod ends itself, and what is wrong with the others. */
function withWhich({ keys = [] }: CapFacts): string {
  const armed = (owner: string): boolean => keys.some((k) => k.owner === owner && k.state === 'armed');
  const wrong = keys.filter((k) => k.state !== 'armed').map((k) => ` ${k.detail}`);
  if (armed('pod-key')) {
    return ` ${withPodKey}${armed('user-key') ? ', or else with the key of your secret' : ''}.${wrong.join('')}`;
  }
  return armed('user-key') ? ` The keeper on the pod ends it with the key of your secret.${wrong.join('')}` : '';
}

/** Whether a key of the user's would help: the pod has none of those, and its own cannot do it. */
function wantsKey({ keys = [] }: CapFacts): boolean {
  const own = keys.find((k) => k.owner === 'pod-key');
  return (own?.state === 'refused' || own?.state === 'missing') && !keys.some((k) => k.owner === 'user-key');
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
