import { own } from '../../../json.ts';
import { byteText } from '../../../words/index.ts';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';

/** Variables that break a pod's Python or GPU when they are replaced, and why. */
const dangerous: Record<string, string> = {
  PATH: "The image's programs are no longer found.",
  PYTHONHOME: "The image's Python no longer finds its own library.",
  LD_LIBRARY_PATH: "The image's CUDA libraries are no longer found.",
  HOME: 'Programs look for their settings and caches elsewhere.',
  LD_PRELOAD: 'A library of this machine is not on the pod.',
};

export const env: Check = {
  id: 'env',
  title: 'Environment variables',
  run: (facts, say) => {
    sizes(facts, say);
    const all = [
      ...Object.entries(facts.project.env).map(([name, value]) => ({ name, value, at: facts.place('env', name) })),
      ...facts.steps('pod').flatMap(({ step, index }) =>
        Object.entries(step.env ?? {}).map(([name, value]) => ({
          name,
          value,
          at: facts.place('steps', index, 'env', name),
        })),
      ),
    ];
    for (const { name, value, at } of facts.rentsPod ? all : []) {
      const why = own(dangerous, name);
      if (why !== undefined) {
        say.warning('env-dangerous', { what: `${name} is replaced on the pod.`, why, next: 'Take it out.', at });
      } else if (/^RUNPOD_/.test(name)) {
        say.warning('env-reserved', {
          what: `${name} is a name of RunPod's own.`,
          why: 'The pod sets such variables itself, and programs on it trust them.',
          next: 'Use another name.',
          at,
        });
      } else if (
        name === 'CUDA_VISIBLE_DEVICES' &&
        (value === '' || value === '-1') &&
        facts.project.target.cpu === undefined
      ) {
        say.warning('env-hides-gpu', {
          what: 'CUDA_VISIBLE_DEVICES hides the GPU that is paid for.',
          why: 'The steps would train on the CPU.',
          next: 'Take it out.',
          at,
        });
      } else if (name === 'TRANSFORMERS_CACHE') {
        say.warning('env-gone', {
          what: 'TRANSFORMERS_CACHE has no effect with transformers 5.',
          why: 'Models would be downloaded to the default place again.',
          next: 'Use HF_HOME.',
          at,
        });
      }
    }
  },
};

/** Linux starts no program with a longer argument or variable (its end counts as a byte). */
const longestText = 128 * 1024;
/** Nor with more of both together: a quarter of the usual stack, less what the pod and the worker have of their own. */
const mostTexts = 2 * 1024 * 1024 - 128 * 1024;

/** Commands and variables that no program can be started with, on the pod or on this machine where that is Linux. */
function sizes(facts: Facts, say: Say): void {
  for (const { step, index } of facts.steps(process.platform === 'linux' ? undefined : 'pod')) {
    const at = (...path: (string | number)[]): (string | number)[] => facts.place('steps', index, ...path);
    const env = { ...facts.project.env, ...step.env };
    const texts = [
      ...Object.entries(env).map(([name, value]) => ({
        what: `The variable ${name} of the step ${step.name}`,
        size: Buffer.byteLength(`${name}=${value}`) + 1,
        at: own(step.env ?? {}, name) === undefined ? facts.place('env', name) : at('env', name),
      })),
      ...(step.args ?? []).map((arg, k) => ({
        what: `An argument of the step ${step.name}`,
        size: Buffer.byteLength(arg) + 1,
        at: at('args', k),
      })),
      ...(step.shell === undefined
        ? []
        : [
            {
              what: `The command of the step ${step.name}`,
              size: Buffer.byteLength(step.shell) + 1,
              at: at('shell'),
            },
          ]),
    ];
    for (const text of texts.filter(({ size }) => size > longestText)) {
      say.error('text-too-long', {
        what: `${text.what} has ${byteText(text.size)}.`,
        why: `Linux starts no program with an argument or variable above ${byteText(longestText)}.`,
        next: 'Put it into a file of the project, and give its path.',
        at: text.at,
      });
    }
    // A pointer for each.
    const sum = texts.reduce((all, { size }) => all + size + 8, 0);
    if (sum > mostTexts) {
      say.error('texts-too-long', {
        what: `The arguments and variables of the step ${step.name} have ${byteText(sum)} together.`,
        why: `Linux starts no program with much more than ${byteText(mostTexts)} of them.`,
        next: 'Put them into a file of the project, and give its path.',
        at: at('name'),
      });
    }
  }
}
