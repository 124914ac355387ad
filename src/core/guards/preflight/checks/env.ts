import type { Check } from '../check.ts';

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
      const why = dangerous[name];
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
