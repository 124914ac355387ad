import type * as vscode from 'vscode';
import type { Installation } from '../../core/home/installation.ts';
import type { Account } from '../account/account.ts';
import type { Failures } from '../common/failures.ts';
import type { Log } from '../common/log.ts';
import type { Settings } from '../common/settings.ts';

/** What the overview needs of the rest of the window. */
export interface OverviewContext {
  vs: typeof vscode;
  extensionUri: vscode.Uri;
  log: Log;
  failures: Failures;
  settings: Settings;
  account: Account;
  installation: () => Promise<Installation>;
  /** Pods or volumes may have changed. */
  refresh: () => void;
}
