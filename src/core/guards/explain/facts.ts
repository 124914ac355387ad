import { failedStep, type StepView } from '../../journal/view.ts';
import { endingOf, plainLine, type Ending } from './ending.ts';
import type { Evidence, Facts } from './types.ts';

/** Brings evidence into the form in which the kinds look at it; `lines` are still to be chosen from the ending. */
export function factsOf(evidence: Evidence): { facts: Facts; ending: Ending } {
  const { state, events } = evidence;
  const view = failedStep({ ...state, notes: [], status: 'failed' }) ?? stepAtWork(evidence);
  const end = events.findLast((e) => e.type === 'step.finished' && e.step === view?.name);
  const exitCode = end?.type === 'step.finished' ? end.exitCode : null;
  const gates = view?.gates.filter((g) => g.status !== 'passed') ?? [];
  const reasons = [view?.reason, state.reason].filter((r) => r !== undefined).filter((r) => r !== '');
  // A process that ended well has dealt with what it logged; then only its gates count.
  const endedWell = exitCode === 0 || (exitCode === null && gates.length > 0);
  const log = endedWell ? [] : evidence.log.map(plainLine);
  const facts: Facts = {
    evidence,
    step: view && { name: view.name, status: view.status, exitCode, seconds: view.seconds ?? 0, view },
    reasons: [...new Set(reasons)],
    log,
    lines: [],
    frames: [],
  };
  return { facts, ending: endedWell ? { errors: [], before: [] } : withReasons(log, facts.reasons) };
}

/** What the worker heard last of a process or a cell is in its reason, also where the log holds more than was kept. */
const heard = [
  /^Cell \d+ of \d+ failed: (.+)$/s,
  /^The kernel died in cell .*$/s,
  /^.* Last line of its errors: (.+)$/s,
];

function withReasons(log: readonly string[], reasons: readonly string[]): Ending {
  const ending = endingOf(log);
  const said = reasons.flatMap((reason) => {
    const match = heard.map((h) => h.exec(reason)).find((m) => m !== null);
    return match === undefined ? [] : (match[1] ?? match[0]).split('\n').map(plainLine);
  });
  const own = reasons.filter(
    (reason) => !/^It ended with exit code \S+$/.test(reason) && !heard.some((h) => h.test(reason)),
  );
  const isTold = said.length === 0 || log.some((line) => line.startsWith(said[0]?.slice(0, 400) ?? ''));
  const errors = isTold ? ending.errors : [...ending.errors, { frames: [], message: said }];
  return { ...ending, errors: [...errors, ...(own.length === 0 ? [] : [{ frames: [], message: own }])] };
}

/** A worker that died said nothing of its step. */
function stepAtWork({ state }: Evidence): StepView | undefined {
  const atWork = ({ status }: StepView): boolean => status === 'running' || status === 'unknown';
  return state.steps.find(atWork) ?? state.steps.find((s) => s.name === state.step);
}
