import type { RunEvent } from '../../core/journal/run-event.ts';
import type { Phase } from '../../core/journal/records.ts';
import { Emitter, type Disposable } from '../common/disposables.ts';

type Transfer = Extract<RunEvent, { type: 'transfer' }>;

/** What only the window that is attached to a job knows of it. */
export interface AttachedState {
  link: 'live' | 'lost' | undefined;
  /** When this window last heard of the pod, in ms since 1970. */
  heard: number | undefined;
  transfer: Transfer | undefined;
  /** What goes on, in its own words. */
  phase: { phase?: Phase; text: string } | undefined;
  warnings: string[];
}

export const quiet: AttachedState = {
  link: undefined,
  heard: undefined,
  transfer: undefined,
  phase: undefined,
  warnings: [],
};
const maxWarnings = 50;

/** Adds one event; returns a new state. */
export function nextAttachedState(state: AttachedState, event: RunEvent, now: number): AttachedState {
  switch (event.type) {
    case 'link':
      return event.state === 'live' ? { ...state, link: 'live', heard: now } : { ...state, link: 'lost' };
    case 'phase':
      // The caps stand in the header and in the details.
      return {
        ...state,
        phase: event.cap === true ? undefined : { phase: event.phase, text: event.text },
        transfer: undefined,
      };
    case 'transfer':
      return { ...state, transfer: event, heard: now };
    case 'job':
      return {
        ...state,
        ...(!event.replay && event.side === 'pod' && { heard: now }),
        // From here on the steps tell what goes on.
        ...(event.event.type === 'step.started' && { phase: undefined }),
      };
    case 'set-aside':
    case 'warning':
      return { ...state, warnings: [...state.warnings, event.text].slice(-maxWarnings) };
    case 'refused':
      return { ...state, phase: { text: `${event.hardware}: ${event.reason}` } };
    case 'pod':
    case 'host-key':
      return state;
  }
}

/** Keeps the live state of every job that this window is or was attached to. */
export class AttachedStates implements Disposable {
  readonly #states = new Map<string, AttachedState>();
  readonly #changed = new Emitter<string>();
  /** Fires with the job's id. */
  readonly onDidChange = this.#changed.event;

  of(job: string): AttachedState {
    return this.#states.get(job) ?? quiet;
  }

  take(job: string, event: RunEvent): void {
    this.#states.set(job, nextAttachedState(this.of(job), event, Date.now()));
    this.#changed.fire(job);
  }

  /** The window has attached itself or has let go. */
  changed(job: string): void {
    const state = this.of(job);
    this.#states.set(job, { ...state, link: undefined, transfer: undefined, phase: undefined });
    this.#changed.fire(job);
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
