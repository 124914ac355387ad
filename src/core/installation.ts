import { homedir } from 'node:os';
import { join } from 'node:path';
import { readIfThere, writeFileAtomic } from './files.ts';
import { JobRecords } from './jobs/records.ts';
import type { RunPodClient } from './runpod/client.ts';
import { FileHostKeys, generateKeyPair, type HostKeys, type SshKeyPair } from './ssh/index.ts';

/** What every operation on jobs needs of this installation; made by the command line or by the extension. */
export interface Installation {
  client: RunPodClient;
  restUrl: string;
  /** The worker's single file on this machine. */
  workerFile: string;
  /** Python that runs local steps. */
  localPython: string;
  key: SshKeyPair;
  hostKeys: HostKeys;
  records: JobRecords;
}

/** Folder of this installation: `RUNPOD_TRAINER_HOME`, else `~/.runpod-trainer`. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.RUNPOD_TRAINER_HOME ?? join(homedir(), '.runpod-trainer');
}

export function hostKeysIn(home: string): HostKeys {
  return new FileHostKeys(join(home, 'host-keys.json'));
}

export function recordsIn(home: string): JobRecords {
  return new JobRecords(home);
}

/** The SSH key of the command line, made once and kept as ssh keeps its own: a file that only its owner reads. */
export async function fileKeyPair(home: string): Promise<SshKeyPair> {
  const file = join(home, 'ssh', 'id_ed25519');
  const [privateKey, publicKey] = await Promise.all([readIfThere(file), readIfThere(`${file}.pub`)]);
  if (privateKey !== undefined && publicKey !== undefined) {
    return { privateKey, publicKey: publicKey.trim() };
  }
  const pair = generateKeyPair('runpod-trainer');
  await writeFileAtomic(file, pair.privateKey);
  await writeFileAtomic(`${file}.pub`, `${pair.publicKey}\n`, 0o644);
  return pair;
}
