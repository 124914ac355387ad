import { messageOf, remediesOf } from '../errors.ts';
import type { Remedy } from '../remedy.ts';
import type { JobEvent, JobOutcome } from './events.ts';
import type { Phase } from './records.ts';

/** Everything that a client is told while a job is prepared, runs and ends. Plain data: the CLI prints it as JSON. */
export type RunEvent =
  /** `cap`: the text is what is promised of the caps, and no word of what goes on. */
  | { type: 'phase'; phase: Phase; text: string; cap?: true }
  | {
      type: 'transfer';
      direction: 'up' | 'down';
      file: string;
      files: number;
      filesTotal: number;
      bytes: number;
      bytesTotal: number;
    }
  | { type: 'pod'; podId: string; name: string; hardware: string; costPerHour: number; reused: boolean }
  | { type: 'refused'; hardware: string; reason: string }
  | { type: 'host-key'; fingerprint: string; checkedBy: string }
  /** Code on the volume that is not here any more; `paths` lie below `folder` of the project for some days. */
  | { type: 'set-aside'; text: string; paths: string[]; folder: string }
  | { type: 'link'; state: 'live' | 'lost' | 'waiting'; text: string }
  | { type: 'job'; side: 'local' | 'pod'; replay: boolean; event: JobEvent }
  | { type: 'warning'; text: string; remedies?: readonly Remedy[] };

export type OnEvent = (event: RunEvent) => void;

/** A failure that stops nothing, with the acts that help; `before` says what it means. */
export function warningOf(error: unknown, before = ''): RunEvent {
  const remedies = remediesOf(error);
  return { type: 'warning', text: `${before}${messageOf(error)}`, ...(remedies.length > 0 && { remedies }) };
}

/** How a client's part in a job ended. `detached`: the job goes on. `unknown`: nobody can say at the moment. */
export type ClientOutcome = JobOutcome | 'detached' | 'unknown';
