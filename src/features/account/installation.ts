import { homeFolder } from '../../core/home/folder.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecords } from '../../core/journal/records.ts';
import { s3DataCenters } from '../../core/s3/endpoints.ts';
import type { S3Source } from '../../core/s3/s3-source.ts';
import { lazy } from '../common/lazy.ts';
import type { Settings } from '../common/settings.ts';
import type { WorkspacePython } from '../python/workspace-python.ts';
import type { Account } from './account.ts';
import type { Credentials } from './credentials.ts';

/** What this machine knows of jobs. Its code is loaded at the first question. */
export type OpenRecords = () => Promise<JobRecords>;

export function openRecords(): OpenRecords {
  return lazy(async () => {
    const { JobRecords: Records } = await import('../../core/journal/records.ts');
    return new Records(homeFolder());
  });
}

/** What an operation of this window uses. */
export interface WindowParts {
  account: Pick<Account, 'client' | 'restUrl'>;
  credentials: Pick<Credentials, 'keptSshKey'>;
  settings: Pick<Settings, 'endKeySecret'>;
  python: Pick<WorkspacePython, 'current'>;
  s3: () => S3Source;
  workerFile: string;
}

/** The installation as this window uses it: its account, and the home that it shares with the terminals beside it. */
export async function editorInstallation(
  { account, credentials, settings, python, s3, workerFile }: WindowParts,
  home = homeFolder(),
): Promise<Installation> {
  const { openInstallation } = await import('../../core/home/installation.ts');
  const face = {
    asker: 'editor' as const,
    client: await account.client(),
    restUrl: account.restUrl,
    workerFile,
    localPython: (await python.current()).path,
    endKeySecret: settings.endKeySecret,
    s3: s3(),
  };
  return openInstallation(home, face, credentials.keptSshKey);
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
