import type { Remedy, RemedyKind } from '../../src/core/remedy.ts';

/** Every kind of remedy, with and without what may be left out. A kind that is missing does not compile. */
const byKind: { [K in RemedyKind]: Extract<Remedy, { do: K }>[] } = {
  attach: [{ do: 'attach', job: 'songs-20261128-120000-abcd' }],
  cancel: [{ do: 'cancel', job: 'songs-20261128-120000-abcd' }],
  fetch: [
    { do: 'fetch', job: 'songs-20261128-120000-abcd' },
    { do: 'fetch', job: 'songs-20261128-120000-abcd', keep: 'both' },
  ],
  run: [
    { do: 'run' },
    { do: 'run', file: '/p/training.runpod.json' },
    { do: 'run', file: '/p/my project.runpod.json', profile: 'tiny', from: 'train it' },
  ],
  adopt: [{ do: 'adopt' }],
  'answer-gone': [
    { do: 'answer-gone', answer: 'remove' },
    { do: 'answer-gone', answer: 'keep' },
  ],
  'show-jobs': [{ do: 'show-jobs' }],
  'find-unused': [{ do: 'find-unused' }],
  regions: [{ do: 'regions' }, { do: 'regions', file: '/p/training.runpod.json' }],
  move: [
    { do: 'move', volume: 'v1' },
    { do: 'move', volume: 'v1', to: 'EU-RO-1', replace: true },
    { do: 'move', volume: 'v1', to: 'v2', way: 'this-machine' },
  ],
  'sign-in': [{ do: 'sign-in' }],
  'set-s3-keys': [{ do: 'set-s3-keys' }],
  'set-secret': [{ do: 'set-secret', name: 'HF_TOKEN' }],
  'set-python': [{ do: 'set-python' }],
  'set-end-key-secret': [{ do: 'set-end-key-secret' }],
  'set-api-address': [{ do: 'set-api-address' }],
  'set-s3-address': [{ do: 'set-s3-address' }],
};

export const remedySamples: readonly Remedy[] = Object.values(byKind).flat();
