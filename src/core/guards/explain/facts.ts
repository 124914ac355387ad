import { failedStep, type StepView } from '../../journal/view.ts';
import type { Evidence, Facts } from './types.ts';

/** Brings evidence into the form in which the kinds look at it. */
export function factsOf(evidence: Evidence): Facts {
  const { state, events } = evidence;
  const view = failedStep({ ...state, notes: [], status: 'failed' }) ?? stepAtWork(evidence);
  const end = events.findLast((e) => e.type === 'step.finished' && e.step === view?.name);
  const exitCode = end?.type === 'step.finished' ? end.exitCode : null;
  const gates = view?.gates.filter((g) => g.status !== 'passed') ?? [];
  const reasons = [view?.reason, state.reason].filter((r) => r !== undefined).filter((r) => r !== '');
  // A process that ended well has dealt with what it logged; then only its gates count.
  const endedWell = exitCode === 0 || (exitCode === null && gates.length > 0);
  return {
    evidence,
    step: view && { name: view.name, status: view.status, exitCode, seconds: view.seconds ?? 0, view },
    reasons: [...new Set(reasons)],
    lines: endedWell ? [] : [...evidence.log, ...new Set(reasons)].map(shortened),
  };
}

/** A worker that died said nothing of its step. */
function stepAtWork({ state }: Evidence): StepView | undefined {
  const atWork = ({ status }: StepView): boolean => status === 'running' || status === 'unknown';
  return state.steps.find(atWork) ?? state.steps.find((s) => s.name === state.step);
}

/** Ends of a line hold what matters, and no pattern may take long on a hostile one. */
function shortened(line: string): string {
  return line.length <= 1000 ? line : `${line.slice(0, 600)} … ${line.slice(-400)}`;
}
