import type * as vscode from 'vscode';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecords } from '../../core/journal/records.ts';
import type { Account } from '../account/account.ts';
import type { Credentials } from '../account/credentials.ts';
import type { Failures } from '../common/failures.ts';
import type { Log } from '../common/log.ts';
import type { Settings } from '../common/settings.ts';
import type { JobsModule } from '../jobs/module.ts';

/** What the guards need of the rest of the window. */
export interface GuardsContext {
  vs: typeof vscode;
  extensionUri: vscode.Uri;
  log: Log;
  failures: Failures;
  settings: Settings;
  account: Account;
  credentials: Credentials;
  restUrl: () => string;
  installation: () => Promise<Installation>;
  records: () => Promise<JobRecords>;
  start: JobsModule['start'];
  /** Pods or volumes may have changed. */
  refresh: () => void;
}
