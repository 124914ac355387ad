import type { Detector } from '../types.ts';

/** A gate of the step does not hold, or could not be evaluated. */
export const gate: Detector = {
  kind: 'gate',
  detect: ({ step }) => {
    const bad = step?.view.gates.filter((g) => g.status !== 'passed') ?? [];
    const [first] = bad;
    if (step === undefined || first === undefined) {
      return undefined;
    }
    const broken = first.status === 'error';
    return {
      // The step itself ended well, so nothing in its log stopped the job.
      at: Number.MAX_SAFE_INTEGER,
      what: broken
        ? `The gate "${first.title}" of the step ${step.name} could not be evaluated.`
        : `The gate "${first.title}" of the step ${step.name} does not hold.`,
      evidence: bad.map((g) => `${g.title}: seen ${g.seen}, expected ${g.expected}`),
      why: first.message ?? 'The step ended well, but what it made is not what the project expects.',
      next: broken
        ? 'Correct what the gate looks at, or the gate itself in the project file, then go on from this step.'
        : 'Correct the step, or the bounds of the gate when they are wrong, then go on from this step.',
      change: null,
    };
  },
};
