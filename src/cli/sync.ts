import { UserError } from '../core/errors.ts';
import { planCommand, type PlanCommandOptions } from './plan.ts';

export interface SyncCommandOptions extends PlanCommandOptions {
  dryRun?: boolean;
}

/** Brings the project's files to its volume; with `--dry-run` it shows the plan and stops. */
export async function syncCommand(file: string | undefined, options: SyncCommandOptions): Promise<number> {
  if (options.dryRun !== true) {
    throw new UserError('sync-dry-run', {
      what: 'sync only shows its plan so far.',
      why: 'A project\'s files travel with "run".',
      next: 'Add --dry-run to see what would be sent.',
    });
  }
  return planCommand(file, options);
}
