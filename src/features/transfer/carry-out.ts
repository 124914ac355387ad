import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import { byteText, count, duration } from '../../core/words/index.ts';
import type { Installation } from '../../core/home/installation.ts';
import { planVolume } from '../../core/pods/volume.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { runSync, type SyncOptions, type SyncResult } from '../../core/volumes/sync.ts';
import type { PreparedPlan } from '../../core/volumes/plan/index.ts';
import { askAdopt } from '../common/adopt.ts';
import { withProgress, type ProgressResult } from '../common/progress.ts';
import { mayCreate, mayDelete, mayRent, mayReplace } from './consent.ts';
import { syncProgress } from './sync-progress.ts';

export interface DecidedPlan {
  loaded: LoadedProject;
  prepared: PreparedPlan;
  /** Conflicts that are replaced. */
  replace: ReadonlySet<string>;
}

/** Asks before anything is made or deleted on the user's account. */
export async function agreed(vs: typeof vscode, installation: Installation, decided: DecidedPlan): Promise<boolean> {
  const volume = await planVolume(installation.client, decided.loaded.project.target.volume);
  return (
    (await mayCreate(vs, volume, installation.client.free)) && (await mayDelete(vs, decided.prepared.plan.deletes))
  );
}

/** Carries a plan out under a progress message. The value is undefined when the user did not want the gateway. */
export async function carryOut(
  vs: typeof vscode,
  installation: Installation,
  { loaded, prepared, replace }: DecidedPlan,
): Promise<ProgressResult<SyncResult | undefined>> {
  const { project } = prepared.plan;
  const run = (replaced: SyncOptions['replace']): Promise<ProgressResult<SyncResult | undefined>> =>
    withProgress(vs, { title: `Syncing ${project}` }, (signal, report) =>
      runSync(installation, loaded, prepared, {
        replace: replaced,
        confirm: (offer) => mayRent(vs, project, offer, installation.client.free),
        adopt: askAdopt(vs),
        onEvent: syncProgress(report),
        signal,
      }),
    );
  // An empty set would say that everything was decided, also what nobody could see yet.
  const ended = await run(replace.size === 0 ? undefined : replace);
  const again = ended.status === 'error' && isConflict(ended.error) && (await mayReplace(vs, ended.error));
  return again ? run('all') : ended;
}

/** Files that changed on both sides and that the plan could not see, since nobody could be asked before. */
function isConflict(error: unknown): error is UserError {
  return error instanceof UserError && error.code === 'push-conflicts';
}

/** `Synced 31 files (9.0 MB) in 4 s; 2 files stay as they are on the volume`. */
export function doneText({ sent, bytes, deleted, left, seconds }: SyncResult): string {
  return [
    sent === 0
      ? 'Everything was on the volume already'
      : `Synced ${count(sent, 'file')} (${byteText(bytes)}) in ${duration(seconds)}`,
    ...(deleted > 0 ? [`${count(deleted, 'file')} deleted`] : []),
    ...(left.length > 0
      ? [`${count(left.length, 'file')} ${left.length === 1 ? 'stays as it is' : 'stay as they are'} on the volume`]
      : []),
  ].join('; ');
}
