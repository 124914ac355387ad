import type { GateResult, JobEvent, JobOutcome, StepStatus } from './events.ts';

/** What is known of one step, rebuilt from events alone. */
export interface StepView {
  name: string;
  where: 'local' | 'pod';
  /** `unknown`: the job is over, and nobody here heard how this step ended. */
  status: StepStatus | 'unknown';
  started?: string;
  seconds?: number;
  /** Why it ran or was skipped. */
  why: string[];
  /** The checkpoint from which it went on, as a path in the project. */
  resumeFrom?: string;
  gates: GateResult[];
  reason?: string;
  /** Names the run that passed, which the steps after it came after. */
  run?: string;
  cell?: { at: number; of: number };
  /** The last value of each name; null when it was not a finite number. */
  metrics: Record<string, number | null>;
}

/** What is known of a job, rebuilt from events alone; the same for the table, the tree and the panel. */
export interface JobView {
  job?: string;
  status: 'starting' | 'running' | JobOutcome;
  reason?: string;
  started?: string;
  finished?: string;
  seconds?: number;
  step?: string;
  steps: StepView[];
  watchdog?: { armed: boolean; detail: string; deadline: string | null };
  capSeconds?: number | null;
  host?: { python: string; cpus: number; memoryBytes: number | null; gpus: string[] };
  notes: { level: 'info' | 'warning' | 'error'; text: string }[];
}

export function emptyView(): JobView {
  return { status: 'starting', steps: [], notes: [] };
}

/** The step that ended the job badly, if any. */
export function failedStep(view: JobView): StepView | undefined {
  return view.steps.find((s) => s.status === 'failed' || s.status === 'timeout' || s.status === 'cancelled');
}

/** The step from which a run goes on: the first that is not known to be done. */
export function unfinishedStep(view: JobView): string | undefined {
  return view.steps.find((s) => s.status !== 'passed' && s.status !== 'skipped')?.name;
}

/**
 * The view of a job that is over: none of its steps runs, whatever was heard last. Where the end was not heard either,
 * those that waited may have run.
 */
export function overView(view: JobView, isEndHeard = view.finished !== undefined): JobView {
  const isOpen = (step: StepView): boolean => step.status === 'running' || (!isEndHeard && step.status === 'waiting');
  return { ...view, steps: view.steps.map((s) => (isOpen(s) ? { ...s, status: 'unknown' as const } : s)) };
}

/** A step that has not begun. */
export function waitingStep({ name, where }: Pick<StepView, 'name' | 'where'>): StepView {
  return { name, where, status: 'waiting', why: [], gates: [], metrics: {} };
}

/** Adds one event; returns a new view and leaves the old as it was. Log lines are not kept here. */
export function reduceView(view: JobView, event: JobEvent): JobView {
  switch (event.type) {
    case 'job.started':
      return {
        ...view,
        job: event.job,
        status: 'running',
        // A later epoch is a restart of the same job: what earlier epochs said of the steps is told again.
        started: view.started ?? event.time,
        steps: event.steps.map(waitingStep),
        capSeconds: event.capSeconds,
        host: event.host,
      };
    case 'watchdog':
      return { ...view, watchdog: { armed: event.armed, detail: event.detail, deadline: event.deadline } };
    case 'step.local':
      return withStep(view, event.step, (s) => ({
        ...s,
        status: event.status,
        seconds: event.seconds,
        ...(typeof event.why === 'string' && { why: [event.why] }),
        gates: event.gates,
      }));
    case 'step.skipped':
      return withStep(view, event.step, (s) => ({
        ...s,
        status: 'skipped',
        why: [event.why],
        gates: event.gates,
        ...(event.run != null && { run: event.run }),
      }));
    case 'step.started':
      return {
        ...withStep(view, event.step, (s) => ({
          ...s,
          status: 'running',
          started: event.time,
          why: event.why,
          gates: [],
          ...(event.resumeFrom != null && { resumeFrom: event.resumeFrom }),
        })),
        step: event.step,
      };
    case 'metric':
      return withStep(view, event.step, (s) => ({ ...s, metrics: { ...s.metrics, ...event.values } }));
    case 'cell':
      return withStep(view, event.step, (s) => ({ ...s, cell: { at: event.cell, of: event.of } }));
    case 'gate':
      return withStep(view, event.step, (s) => ({ ...s, gates: [...s.gates, event.gate] }));
    case 'step.finished':
      return withStep(view, event.step, (s) => ({
        ...s,
        status: event.status,
        seconds: event.seconds,
        ...(event.reason !== null && { reason: event.reason }),
        ...(event.run != null && { run: event.run }),
      }));
    case 'note':
      return { ...view, notes: [...view.notes.slice(-99), { level: event.level, text: event.text }] };
    case 'job.finished':
      return {
        ...overView(view, true),
        status: event.status,
        finished: event.time,
        seconds: event.seconds,
        ...(event.reason !== null && { reason: event.reason }),
      };
    case 'log':
      return view;
  }
}

function withStep(view: JobView, name: string, change: (step: StepView) => StepView): JobView {
  return { ...view, steps: view.steps.map((s) => (s.name === name ? change(s) : s)) };
}
