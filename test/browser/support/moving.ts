import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSandbox, type Sandbox } from '../../../sandbox/index.ts';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import type { Volume } from '../../../src/core/runpod/schemas.ts';
import { makeFixture, type Fixture } from './fixture.ts';

/** A project with much to move, its volume, and a sandbox in this process, so that S3 can be made slow. */
export interface Moving {
  fixture: Fixture;
  sandbox: Sandbox;
  client: RunPodClient;
  volume: Volume;
  /** Size of its large file, which takes six parts over S3. */
  largeBytes: number;
  /** Where a file of the project lies on the volume. */
  there: (path: string) => string;
}

const largeBytes = 310_000_000;

const project = {
  version: 1,
  name: 'whales',
  target: { volume: { name: 'whales' }, gpus: ['NVIDIA GeForce RTX 4090'], image: 'runpod/base:1.0.2' },
  sync: { must: ['train.py', 'model/'], data: ['data/'], never: ['*.tmp'] },
  steps: [{ name: 'train', script: 'train.py' }],
};

/** @param dataCenter of the volume */
export async function makeMoving(dataCenter = 'US-MD-1'): Promise<Moving> {
  const fixture = await makeFixture();
  const { folder, home, projectFile } = fixture;
  await mkdir(join(folder, 'model'));
  await mkdir(join(folder, 'data'));
  const files: Record<string, string> = {
    'train.py': 'import model.net\nprint("training")\n',
    'model/net.py': 'layers = 4\n',
    'model/loss.py': 'def loss(a, b):\n    return (a - b) ** 2\n',
    'model/hub.py': `REPOSITORY = "whales/songs"\nTOKEN = "${['hf', 'QzVtRkWnYbLdGcXsJhMfPuAeTiOo481726'].join('_')}"\n`,
    'model/scratch.tmp': 'nothing',
    'data/labels.csv': `song,color\n${Array.from({ length: 400 }, (_, i) => `${i},blue\n`).join('')}`,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
  }
  await writeFile(join(folder, 'data', 'songs.bin'), 'songs');
  await truncate(join(folder, 'data', 'songs.bin'), largeBytes);
  await writeFile(projectFile, `${JSON.stringify(project, null, 2)}\n`);
  const sandbox = await startSandbox({ root: join(home, 'sandbox') });
  const client = new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key });
  const volume = await client.volumes.create({ name: 'whales', dataCenter, size: 20 });
  const there = (path: string): string => join(sandbox.volumeDirectory(volume.id), 'projects', 'whales', path);
  return { fixture, sandbox, client, volume, largeBytes, there };
}
