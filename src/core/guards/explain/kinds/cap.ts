import { count, duration } from '../../../words/index.ts';
import type { Change, Detector, Facts } from '../types.ts';

/** The worker's own sentence when the job reached its cap. */
const pattern = /^cap: the job reached its limit of ([\d.e+]+) seconds/;

/** The job reached its limit of time or money. */
export const cap: Detector = {
  kind: 'cap',
  detect: (facts) => {
    const match = facts.reasons.map((r) => pattern.exec(r)).find((m) => m !== null);
    if (match === undefined) {
      return undefined;
    }
    const seconds = Number(match[1]);
    const steps = facts.evidence.state.steps;
    const done = steps.filter((s) => s.status === 'passed' || s.status === 'skipped').length;
    const change = higher(facts, seconds);
    return {
      at: Infinity,
      what: `The job reached its cap of ${duration(seconds)} and was ended with ${done} of ${count(steps.length, 'step')} done.`,
      evidence: [match[0]],
      why: 'A cap ends the pod so that nothing bills on; steps that passed stay done.',
      next: `${change === null ? 'Raise the cap' : change.text} Then go on from the step that was at work; what passed is skipped.`,
      change,
    };
  },
};

/** Twice the limit that was the tighter one. */
function higher({ evidence: { project, profile } }: Facts, seconds: number): Change | null {
  if (project === undefined) {
    return null;
  }
  const own = profile === undefined ? undefined : project.profiles[profile]?.caps;
  const caps = { ...project.caps, ...own };
  const byTime = caps.hours !== undefined && Math.abs(caps.hours * 3600 - seconds) < 1;
  const name = byTime ? 'hours' : 'dollars';
  const from = caps[name];
  if (from === undefined) {
    return null;
  }
  const path = own?.[name] === undefined ? ['caps', name] : ['profiles', profile ?? '', 'caps', name];
  const text = byTime
    ? `Raise the cap from ${from} to ${2 * from} hours.`
    : `Raise the cap from $${from} to $${2 * from}.`;
  return { path, from, to: 2 * from, text };
}
