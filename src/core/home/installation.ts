import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Asker } from '../journal/asker.ts';
import { JobRecords } from '../journal/records.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { S3Source } from '../s3/s3-source.ts';
import { FileHostKeys, type HostKeys, type SshKeyPair } from '../ssh/index.ts';
import { PlatformFile } from './capabilities.ts';
import { keyPairOf, type KeptKey } from './key-pair.ts';
import { machineId } from './machine.ts';

/** What a home remembers. Every terminal and window of a machine shares it. */
export interface Home {
  /** Its folder. */
  home: string;
  /** Id of the machine that it is on. */
  machine: string;
  key: SshKeyPair;
  hostKeys: HostKeys;
  records: JobRecords;
  /** What is known of the platform beyond its documents. */
  platform: PlatformFile;
}

/** What is of the one who asks, terminal or editor. */
export interface Face {
  /** Which of them: noted with everything that costs money. */
  asker: Asker['by'];
  client: RunPodClient;
  restUrl: string;
  /** The worker's single file on this machine. */
  workerFile: string;
  /** Python that runs local steps. */
  localPython: string;
  /** Name of the account's secret that holds a restricted key with which pods may end themselves. */
  endKeySecret?: string | undefined;
  /** The volumes' S3 API; absent where nothing is known of it. */
  s3?: S3Source | undefined;
}

/** What every operation on jobs needs. */
export interface Installation extends Home, Face {}

/** Opens a home, and makes what it lacks. `kept` is a key that has to move into it. */
export async function openHome(home: string, kept?: KeptKey): Promise<Home> {
  return {
    home,
    machine: machineId(home),
    key: await keyPairOf(home, kept),
    hostKeys: new FileHostKeys(join(home, 'host-keys.json')),
    records: new JobRecords(home),
    platform: new PlatformFile(home),
  };
}

/** Who asks through this installation, as it is noted with what costs money. */
export function askerOf({ asker, machine }: Pick<Installation, 'asker' | 'machine'>): Asker {
  return { by: asker, machine, host: hostname() };
}

/** The only way to an installation, so that what one terminal or window starts any other can go on with. */
export async function openInstallation(home: string, face: Face, kept?: KeptKey): Promise<Installation> {
  return { ...face, ...(await openHome(home, kept)) };
}
