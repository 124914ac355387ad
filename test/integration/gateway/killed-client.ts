// A client that works through a gateway for ever: the test kills it.
import path from 'node:path';
import { withGateway } from '../../../src/core/gateway/gateway.ts';
import { platformIn, recordsIn } from '../../../src/core/installation.ts';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import { FileHostKeys, generateKeyPair } from '../../../src/core/ssh/index.ts';

const { REST_URL: restUrl = '', API_KEY: apiKey = '', HOME_FOLDER: home = '', WORKER: workerFile = '' } = process.env;
const client = new RunPodClient({ restUrl, apiKey });
const volume = (await client.volumes.list()).find((v) => v.id === process.env.VOLUME);
if (volume === undefined) {
  throw new Error('The volume is not there.');
}
await withGateway(
  {
    client,
    restUrl,
    workerFile,
    localPython: 'python3',
    key: generateKeyPair('test'),
    hostKeys: new FileHostKeys(path.join(home, 'host-keys.json')),
    records: recordsIn(home),
    platform: platformIn(home),
    home,
  },
  {
    volume,
    name: 'rpt-killed',
    project: 'test',
    confirm: () => Promise.resolve(true),
    onEvent: () => undefined,
  },
  async ({ connection }) => {
    process.stdout.write('at work\n');
    await connection.exec(['sleep', '1000']);
  },
);
