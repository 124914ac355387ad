import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { Pod } from '../runpod/schemas.ts';
import { count } from '../words/index.ts';

/** A container that was started so often without an answer from its sshd will not get there. */
const startsAllowed = 3;

/** What the log of a pod says about its starts, one line after another; the last lines of its own are kept. */
export interface Starts {
  count: number;
  lines: string[];
}

export const noStarts: Starts = { count: 0, lines: [] };

/** Counts a line of the log. A container that is made anew was edited or restarted on purpose: the count begins anew. */
export function countStarts(starts: Starts, entry: { source: string | null; line: string }): Starts {
  if (entry.source !== 'system') {
    return { ...starts, lines: [...starts.lines, entry.line].slice(-5) };
  }
  if (/^(create|remove) container\b/.test(entry.line)) {
    return { ...starts, count: 0 };
  }
  return /^start container\b/.test(entry.line) ? { ...starts, count: starts.count + 1 } : starts;
}

/** Follows a pod's log while it starts. The platform shows a pod that crashes again and again as RUNNING, and bills it. */
export class StartWatch {
  #starts = noStarts;
  #last = '';
  readonly #stop = new AbortController();

  constructor(client: RunPodClient, podId: string) {
    void this.#follow(client, podId);
  }

  /** Throws a UserError `pod-crash-loop` when the pod does not get beyond its start. */
  check(pod: Pod): void {
    const { count: starts, lines } = this.#starts;
    if (starts > startsAllowed) {
      throw new UserError('pod-crash-loop', {
        what: `The container of the pod ${pod.name} ends again and again: it was started ${count(starts, 'time')} and SSH never answered.`,
        why: lines.length === 0 ? 'It printed nothing.' : `It printed last: ${lines.join(' · ').slice(-500)}`,
        next: `Check the image ${pod.image}: its start command has to keep running and to start sshd.`,
      });
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** The log is a help, not a condition: when it cannot be read, the time limit still holds. */
  async #follow(client: RunPodClient, podId: string): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const query = this.#last === '' ? { tail: 500 } : { lastEventId: this.#last };
        for await (const entry of client.pods.logs(podId, query, signal)) {
          this.#last = entry.id;
          this.#starts = countStarts(this.#starts, entry);
        }
      } catch {
        // Below it is tried again.
      }
      await wait(5_000, undefined, { signal }).catch(() => undefined);
    }
  }
}
