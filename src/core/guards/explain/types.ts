import type { JobEvent } from '../../journal/events.ts';
import type { StepView } from '../../journal/view.ts';
import type { Remedy } from '../../remedy.ts';
import type { Project } from '../../project/schema.ts';

export const failureKinds = [
  'cap',
  'no-balance',
  'no-stock',
  'step-timeout',
  'volume-full',
  'disk-full',
  'host-memory',
  'shared-memory',
  'cuda-memory',
  'cuda-mismatch',
  'no-gpu',
  'nan-loss',
  'hugging-face',
  'syntax',
  'usage',
  'packages',
  'library-missing',
  'package-mismatch',
  'module-missing',
  'command-missing',
  'permission',
  'path-missing',
  'distributed',
  'network',
  'tensors',
  'data-unreadable',
  'key-missing',
  'gate',
  'pod-gone',
  'terminated',
  'crashed',
  'stalled',
] as const;
export type FailureKind = (typeof failureKinds)[number];

/** A place in the project file, as in a JSON path. */
export type ProjectPath = (string | number)[];

export type Value = string | number | boolean | null | Value[];

/** One change that would most likely help. */
export interface Change {
  /** Where in the project file; null when it is to be made elsewhere, which `text` says. */
  path: ProjectPath | null;
  from: Value;
  to: Value;
  /** The change in a sentence. */
  text: string;
}

/** Why a job failed, with what shows it and what to do about it. */
export interface Explanation {
  kind: FailureKind;
  /** What happened, a sentence. */
  what: string;
  /** Lines and numbers that were seen, as they were: hostile text. */
  evidence: string[];
  /** Earlier messages that the step survived; they ended nothing. */
  also: string[];
  why: string;
  /** What to do, in sentences; holds also where no change can be named. */
  next: string;
  /** Acts that help beside running again. */
  remedies?: readonly Remedy[];
  change: Change | null;
  /** Where to go on; null when no step began. */
  resume: { from: string } | null;
}

/** What is known of a job that did not succeed. Everything but the job's own state may be missing. */
export interface Evidence {
  state: {
    status: 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost' | 'unknown';
    reason?: string | undefined;
    /** Steps as they ended. */
    steps: StepView[];
    /** The step at work at the end. */
    step?: string | undefined;
  };
  /** The last events, oldest first; log events are not needed here. */
  events: JobEvent[];
  /** The last lines of the failed step's output, oldest first; of the job's preparation where no step began. */
  log: string[];
  /** What the API says of the pod now. */
  pod?: { status: 'RUNNING' | 'EXITED' | 'ERROR' | 'gone' | 'unknown'; costPerHour: number | null } | undefined;
  /** Failures of API calls, by the code of the error. */
  apiErrors?: { code: string; message: string }[] | undefined;
  /** USD. */
  balance?: number | undefined;
  /** GB of the project's volume. */
  volumeGb?: number | undefined;
  /** The project file as it is now, without its profile applied. */
  project?: Project | undefined;
  profile?: string | undefined;
  /** Where the volume is mounted on the pod. */
  mount?: string | undefined;
  /** Names in the project's folder on this machine, the first level only. */
  localNames?: string[] | undefined;
}

/** The evidence in the form in which the kinds look at it. */
export interface Facts {
  evidence: Evidence;
  /** The step that ended the job; undefined when none began. */
  step:
    { name: string; status: StepView['status']; exitCode: number | null; seconds: number; view: StepView } | undefined;
  /** Sentences of the worker: why the step and the job ended. */
  reasons: string[];
  /** The log of a process that did not end well, without colours; else empty. */
  log: readonly string[];
  /** What the error says that is looked at: one of those that ended the step. */
  lines: readonly string[];
  /** The code that this error came through, as a traceback shows it. */
  frames: readonly string[];
}

/** What a kind found; the one whose `at` is highest is believed. */
export interface Finding extends Omit<Explanation, 'kind' | 'resume' | 'also'> {
  /** Index into `lines` of what shows it; Infinity where it is certain, negative where no line shows it. */
  at: number;
}

/** One kind of failure: looks at the facts and answers undefined when it is another one. */
export interface Detector {
  kind: FailureKind;
  detect: (facts: Facts) => Finding | undefined;
}
