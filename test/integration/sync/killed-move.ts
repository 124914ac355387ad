// A client that holds both pods of a move for ever: the test kills it.
import path from 'node:path';
import { platformIn, recordsIn } from '../../../src/core/installation.ts';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import { FileHostKeys, generateKeyPair } from '../../../src/core/ssh/index.ts';
import { planMove, runMove } from '../../../src/core/sync/move.ts';

const { REST_URL: restUrl = '', API_KEY: apiKey = '', HOME_FOLDER: home = '', WORKER: workerFile = '' } = process.env;
const { SOURCE: volume = '', TARGET: to = '' } = process.env;
const installation = {
  client: new RunPodClient({ restUrl, apiKey }),
  restUrl,
  workerFile,
  localPython: 'python3',
  key: generateKeyPair('test'),
  hostKeys: new FileHostKeys(path.join(home, 'host-keys.json')),
  records: recordsIn(home),
  platform: platformIn(home),
  home,
};
await runMove(installation, await planMove(installation, { volume, to }), {
  confirm: () => Promise.resolve(true),
  onEvent: (event) => {
    if (event.type === 'phase' && event.text === 'Verifying at the target') {
      process.stdout.write('at work\n');
      // Nothing of this process goes on from here.
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    }
  },
});
