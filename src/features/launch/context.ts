import type * as vscode from 'vscode';
import type { Installation } from '../../core/home/installation.ts';
import type { Account } from '../account/account.ts';
import type { Credentials } from '../account/credentials.ts';
import type { Failures } from '../common/failures.ts';
import type { Log } from '../common/log.ts';
import type { JobsModule } from '../jobs/module.ts';

/** What the launch sheet needs of the rest of the window. */
export interface LaunchContext {
  vs: typeof vscode;
  extensionUri: vscode.Uri;
  log: Log;
  failures: Failures;
  account: Account;
  credentials: Credentials;
  installation: () => Promise<Installation>;
  start: JobsModule['start'];
}
