import { duration } from '../../../words/index.ts';
import type { Detector } from '../types.ts';

/** The step took longer than its `timeoutMinutes`. */
export const stepTimeout: Detector = {
  kind: 'step-timeout',
  detect: ({ evidence, step }) => {
    if (step?.status !== 'timeout') {
      return undefined;
    }
    const index = evidence.project?.steps.findIndex((s) => s.name === step.name) ?? -1;
    const minutes = evidence.project?.steps[index]?.timeoutMinutes;
    const limit = /limit of ([\d.e+]+) seconds/.exec(step.view.reason ?? '')?.[1];
    const seconds = limit === undefined ? step.seconds : Number(limit);
    const cell = step.view.cell;
    const where = cell === undefined ? '' : `, in cell ${cell.at} of ${cell.of}`;
    const last = evidence.log.at(-1);
    const change =
      minutes === undefined
        ? null
        : {
            path: ['steps', index, 'timeoutMinutes'],
            from: minutes,
            to: 2 * minutes,
            text: `Raise the step's limit from ${duration(minutes * 60)} to ${duration(2 * minutes * 60)}.`,
          };
    return {
      at: Infinity,
      what: `The step ${step.name} was ended at its limit of ${duration(seconds)}${where}.`,
      evidence: [step.view.reason ?? '', ...(last === undefined ? [] : [`last line: ${last}`])].filter((t) => t !== ''),
      why: 'It was either slower than expected or it hung; its last line shows how far it came.',
      next: `${change?.text ?? 'Raise "timeoutMinutes" of the step.'} If the last line is old, it hung: look there first.`,
      change,
    };
  },
};
