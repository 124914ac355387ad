import { existsSync } from 'node:fs';
import type { Check } from '../check.ts';

/** Oldest Python that the worker runs on. */
const oldest = [3, 9] as const;

export const worker: Check = {
  id: 'worker',
  title: 'Worker and Python',
  run: async (facts, say) => {
    const { workerFile, localPython } = facts.installation;
    if (!existsSync(workerFile)) {
      say.error('worker-missing', {
        what: `The worker ${workerFile} is missing.`,
        why: 'It runs the steps, here and on the pod.',
        next: 'Install this program again; from source, build it first.',
      });
      // Without it nothing is known of the Python here.
      return;
    }
    const local = facts.steps('local');
    const { version } = await facts.python().catch((error: unknown) => {
      const [first] = local;
      if (first !== undefined) {
        say.error('python-here', {
          what: error instanceof Error ? error.message : String(error),
          why: `The step ${first.step.name} runs on this machine.`,
          next: 'Install Python 3.9 or newer, or choose another one.',
          remedies: [{ do: 'set-python' }],
          at: facts.place('steps', first.index, 'where'),
        });
      }
      throw error;
    });
    const [major, minor] = version;
    const [first] = local;
    if (first !== undefined && (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))) {
      say.error('python-here', {
        what: `${localPython} is Python ${major}.${minor}; the steps on this machine need ${oldest.join('.')} or newer.`,
        why: `The step ${first.step.name} runs on this machine.`,
        next: 'Choose another Python.',
        remedies: [{ do: 'set-python' }],
        at: facts.place('steps', first.index, 'where'),
      });
    }
  },
};
