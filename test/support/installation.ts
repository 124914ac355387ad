import path from 'node:path';
import { PlatformFile } from '../../src/core/home/capabilities.ts';
import type { Installation } from '../../src/core/home/installation.ts';
import { machineId } from '../../src/core/home/machine.ts';
import { JobRecords } from '../../src/core/journal/records.ts';
import { RunPodClient } from '../../src/core/runpod/client.ts';
import { FileHostKeys, generateKeyPair } from '../../src/core/ssh/index.ts';

const repository = path.resolve(import.meta.dirname, '..', '..');

/** The worker as it was built. */
export const workerFile = path.join(process.env.RUNPOD_TRAINER_DIST ?? path.join(repository, 'dist'), 'worker.pyz');

/** An installation of its own that talks to the given API, with a new key and its files in `home`. */
export function makeInstallation(restUrl: string, apiKey: string, home: string): Installation {
  return {
    asker: 'terminal',
    client: new RunPodClient({ restUrl, apiKey }),
    restUrl,
    workerFile,
    localPython: process.env.RUNPOD_TRAINER_PYTHON ?? path.join(repository, '.venv/bin/python'),
    key: generateKeyPair('test'),
    hostKeys: new FileHostKeys(path.join(home, 'host-keys.json')),
    records: new JobRecords(home),
    platform: new PlatformFile(home),
    machine: machineId(home),
    home,
  };
}
