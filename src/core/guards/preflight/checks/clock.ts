import { duration } from '../../../words/index.ts';
import type { Check } from '../check.ts';

const mostSeconds = 300;

export const clock: Check = {
  id: 'clock',
  title: 'Clock of this machine',
  run: async ({ account }, say) => {
    const ahead = await account.clockAhead();
    if (Math.abs(ahead) <= mostSeconds) {
      return;
    }
    say.warning('clock-skew', {
      what: `The clock of this machine is ${duration(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} RunPod's.`,
      why: 'Costs, ages of pods and deadlines are computed from it, and the S3 service refuses signatures that are an hour off.',
      next: 'Let the system set its time from the network.',
    });
  },
};
