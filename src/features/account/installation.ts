import { homeFolder } from '../../core/home/folder.ts';
import { openHome, openInstallation, type Home, type Installation } from '../../core/home/installation.ts';
import type { S3Source } from '../../core/s3/s3-source.ts';
import type { Settings } from '../common/settings.ts';
import type { Account } from './account.ts';
import type { Credentials } from './credentials.ts';

/** What an operation of this window uses. */
export interface WindowParts {
  account: Pick<Account, 'client' | 'restUrl'>;
  credentials: Pick<Credentials, 'keptSshKey'>;
  settings: Pick<Settings, 'python' | 'endKeySecret'>;
  s3: () => S3Source;
  workerFile: string;
}

/** The installation as this window uses it: its account, and the home that it shares with the terminals beside it. */
export async function editorInstallation(
  { account, credentials, settings, s3, workerFile }: WindowParts,
  home = homeFolder(),
): Promise<Installation> {
  const face = {
    client: await account.client(),
    restUrl: account.restUrl,
    workerFile,
    localPython: settings.python,
    endKeySecret: settings.endKeySecret,
    s3: s3(),
  };
  return openInstallation(home, face, credentials.keptSshKey);
}

/** The same without an account. */
export function editorHome(credentials: Pick<Credentials, 'keptSshKey'>): Promise<Home> {
  return openHome(homeFolder(), credentials.keptSshKey);
}
