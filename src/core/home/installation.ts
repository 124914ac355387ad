import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import { JobRecords } from '../journal/records.ts';
import { PlatformFile } from './capabilities.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { S3Source } from '../s3/s3-source.ts';
import { FileHostKeys, generateKeyPair, type HostKeys, type SshKeyPair } from '../ssh/index.ts';

export { homeFolder } from './folder.ts';

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
  /** What is known of the platform beyond its documents. */
  platform: PlatformFile;
  /** Name of the account's secret that holds a restricted key with which pods may end themselves. */
  endKeySecret?: string | undefined;
  /** The volumes' S3 API; absent where nothing is known of it. */
  s3?: S3Source | undefined;
  /** Folder for what this installation remembers. */
  home: string;
}

export function hostKeysIn(home: string): HostKeys {
  return new FileHostKeys(join(home, 'host-keys.json'));
}

export function recordsIn(home: string): JobRecords {
  return new JobRecords(home);
}

export function platformIn(home: string): PlatformFile {
  return new PlatformFile(home);
}

/** The SSH key of the command line, made once and kept as ssh keeps its own: a file that only its owner reads. */
export async function fileKeyPair(home: string): Promise<SshKeyPair> {
  const folder = join(home, 'ssh');
  const found = await readKeyPair(folder);
  if (found !== undefined) {
    return found;
  }
  // Both halves appear at once, so that two commands that are the first at the same time get the same pair.
  const fresh = join(home, `ssh.${randomBytes(6).toString('hex')}.tmp`);
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  try {
    const pair = generateKeyPair('runpod-trainer');
    await writeFile(join(fresh, keyName), pair.privateKey, { mode: 0o600 });
    await writeFile(join(fresh, `${keyName}.pub`), `${pair.publicKey}\n`, { mode: 0o644 });
    await rename(fresh, folder);
    return pair;
  } catch (error) {
    const other = await readKeyPair(folder);
    if (other === undefined) {
      throw new UserError(
        'ssh-key',
        {
          what: `The SSH key of this installation could not be made in ${folder}.`,
          why: messageOf(error),
          next: 'Check that the folder can be written; when only one half of a key pair is in it, delete that folder.',
        },
        { cause: error },
      );
    }
    return other;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

const keyName = 'id_ed25519';

async function readKeyPair(folder: string): Promise<SshKeyPair | undefined> {
  const file = join(folder, keyName);
  const [privateKey, publicKey] = await Promise.all([readIfThere(file), readIfThere(`${file}.pub`)]);
  return privateKey === undefined || publicKey === undefined ? undefined : { privateKey, publicKey: publicKey.trim() };
}
