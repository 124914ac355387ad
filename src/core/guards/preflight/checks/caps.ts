import { dollars, duration } from '../../../words/index.ts';
import { endSeconds } from '../../../caps/cap.ts';
import { capSeconds } from '../../../journal/spec.ts';
import type { Check } from '../check.ts';

export const caps: Check = {
  id: 'caps',
  title: 'Caps on time and money',
  run: async (facts, say) => {
    const { project } = facts;
    const pod = facts.steps('pod');
    if (pod.length === 0) {
      return;
    }
    if (project.onFinish.pod === 'keep') {
      say.warning('pod-kept', {
        what: 'The pod is kept when the job has ended.',
        why: 'It goes on costing money until somebody ends it.',
        next: 'Set "onFinish.pod" to "terminate"; the volume keeps everything.',
        at: facts.place('onFinish', 'pod'),
      });
    }
    const { hours, dollars: money, hoursPerDay, dollarsPerDay } = project.caps;
    if ([hours, money, hoursPerDay, dollarsPerDay].every((cap) => cap === undefined)) {
      say.warning('cap-none', {
        what: 'No cap limits this job.',
        why: 'A job that hangs keeps its pod until somebody looks.',
        next: 'Set "caps.hours" or "caps.dollars".',
        at: facts.place('caps'),
        fix: { title: 'Cap at 12 hours', command: 'set-value', args: { path: ['caps', 'hours'], value: 12 } },
      });
      return;
    }
    const price = money === undefined ? null : ((await facts.account.pricePerHour()) ?? null);
    const seconds = capSeconds(project.caps, price);
    const paid = money === undefined || price === null ? null : (money / price) * 3600;
    if (money !== undefined && price !== null && paid !== null && paid <= endSeconds) {
      say.warning('cap-tiny', {
        what: `The cap of ${dollars(money)} is spent in ${duration(Math.floor(paid))} at ${dollars(price)} an hour.`,
        why: `${duration(endSeconds)} of a pod are kept back for its end, or half of its time; its start comes before the steps.`,
        next: 'Raise "caps.dollars".',
        at: facts.place('caps', 'dollars'),
      });
      return;
    }
    if (hours !== undefined && hours * 3600 <= endSeconds) {
      say.warning('cap-tiny', {
        what: `The cap of ${hours} h is over in ${duration(hours * 3600)}.`,
        why: `${duration(endSeconds)} of a pod are kept back for its end, or half of its time; its start comes before the steps.`,
        next: 'Raise "caps.hours".',
        at: facts.place('caps', 'hours'),
      });
      return;
    }
    if (seconds !== null) {
      const limit = `${duration(seconds)}${money !== undefined && price !== null && (hours === undefined || seconds < hours * 3600) ? ` (${dollars(money)} at ${dollars(price)} an hour)` : ''}`;
      const long = pod.find(({ step }) => (step.timeoutMinutes ?? 0) * 60 > seconds);
      const sum = pod.reduce((all, { step }) => all + (step.timeoutMinutes ?? 0) * 60, 0);
      if (long !== undefined) {
        say.warning('cap-short', {
          what: `The step ${long.step.name} may take ${duration((long.step.timeoutMinutes ?? 0) * 60)}, but the job is capped at ${limit}.`,
          why: 'The cap ends the pod in the middle of the step.',
          next: 'Raise the cap, or lower the time of the step.',
          at: facts.place('steps', long.index, 'timeoutMinutes'),
        });
      } else if (sum > seconds) {
        say.info('cap-below-sum', {
          what: `The steps may take ${duration(sum)} together, and the job is capped at ${limit}.`,
          why: 'When all of them take their longest, the cap ends the job before its end.',
          next: 'Raise the cap if that may happen; what was done is kept and skipped the next time.',
          at: facts.place('caps'),
        });
      }
    }
  },
};
