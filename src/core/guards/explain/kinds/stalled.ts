import type { Detector } from '../types.ts';

/** The worker's own sentence when nothing of the job showed life; it names every witness. */
const pattern = /^stalled: (for ([\d.]+) (minutes|seconds) .*)$/s;

/** The job hung: no new line, and neither processor, disk nor GPU was used for as long as the project allows. */
export const stalled: Detector = {
  kind: 'stalled',
  detect: ({ reasons, evidence, step }) => {
    const match = reasons.map((reason) => pattern.exec(reason)).find((m) => m !== null);
    if (match === undefined) {
      return undefined;
    }
    const from = evidence.project?.caps.stallMinutes;
    const change =
      from === undefined || from === 0
        ? null
        : {
            path: ['caps', 'stallMinutes'],
            from,
            to: 2 * from,
            text: `Allow ${2 * from} minutes of silence in place of ${from}.`,
          };
    const last = evidence.log.at(-1);
    return {
      at: Infinity,
      what: `${step === undefined ? 'The job' : `The step ${step.name}`} showed no sign of life and was ended.`,
      evidence: [match[1] ?? '', ...(last === undefined ? [] : [`last line: ${last}`])],
      why: 'A process that waits for ever, for input or a lock or a network answer, bills as one that works.',
      next: `Look at its last line: what follows it hangs.${change === null ? '' : ` If it only waits for something slow: ${change.text}`}`,
      change,
    };
  },
};
