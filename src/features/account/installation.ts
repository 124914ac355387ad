import { join } from 'node:path';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecords } from '../../core/journal/records.ts';
import { s3DataCenters } from '../../core/s3/endpoints.ts';
import type { S3Source } from '../../core/s3/s3-source.ts';
import type { Settings } from '../common/settings.ts';
import type { Account } from './account.ts';
import type { Credentials } from './credentials.ts';

/** What this machine knows of jobs. Its code is loaded at the first question. */
export type OpenRecords = () => Promise<JobRecords>;

export function openRecords(): OpenRecords {
  const open = async (): Promise<JobRecords> => {
    const { homeFolder, recordsIn } = await import('../../core/home/installation.ts');
    return recordsIn(homeFolder());
  };
  let opened: Promise<JobRecords> | undefined;
  return () => (opened ??= open());
}

export interface InstallationParts {
  extensionPath: string;
  settings: Settings;
  account: Account;
  credentials: Credentials;
  records: OpenRecords;
}

/** What every operation on jobs needs of this window as it is now: account, keys, settings and records. */
export async function installationOf(parts: InstallationParts): Promise<Installation> {
  const { extensionPath, settings, account, credentials, records } = parts;
  const { homeFolder, hostKeysIn, platformIn } = await import('../../core/home/installation.ts');
  const home = homeFolder();
  return {
    client: await account.client(),
    restUrl: account.restUrl,
    workerFile: join(extensionPath, 'dist', 'worker.pyz'),
    localPython: settings.python,
    endKeySecret: settings.endKeySecret,
    key: await credentials.sshKey(),
    hostKeys: hostKeysIn(home),
    records: await records(),
    platform: platformIn(home),
    s3: s3SourceOf(account, credentials, settings),
    home,
  };
}

/**
 * The volumes' S3 API for this window: that of its sandbox, else RunPod's with what the setting adds. Addresses and keys
 * are of the same account, also when the account changes before the keys are asked for.
 */
export function s3SourceOf(account: Account, credentials: Credentials, settings: Settings): S3Source {
  const { restUrl, sandboxS3Url } = account;
  const own =
    sandboxS3Url === undefined
      ? settings.s3Endpoints
      : Object.fromEntries(s3DataCenters().map((dataCenter) => [dataCenter, sandboxS3Url]));
  return {
    endpoints: { own },
    keys: async () => {
      const keys = account.ready ? await credentials.s3Keys(restUrl) : undefined;
      return keys && { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey.reveal() };
    },
  };
}
