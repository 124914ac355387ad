import type * as vscode from 'vscode';
import { count, pricePerHour } from '../../core/words/index.ts';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import { resultsFolder, type JobRecord, type JobRecords } from '../../core/journal/records.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import type { LiveJobs } from '../jobs/live-jobs.ts';

export interface JobActionOptions {
  records: JobRecords;
  live: LiveJobs;
  installation: () => Promise<Installation>;
}

/** The job that a command is about: that of its row or panel, else the one that the user picks. */
export async function chosenJob(
  vs: typeof vscode,
  records: JobRecords,
  target: unknown,
  title: string,
  fits: (record: JobRecord) => boolean = () => true,
): Promise<JobRecord | undefined> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  const all = await records.list();
  if (typeof id === 'string') {
    return all.find((r) => r.job === id) ?? records.find(id);
  }
  const fitting = all.filter(fits);
  if (fitting.length === 0) {
    throw new UserError('no-jobs', { what: 'There is no such job.', next: 'Run a pipeline first.' });
  }
  const items = fitting.map((record) => ({ label: record.project, description: record.job, record }));
  return (await vs.window.showQuickPick(items, { title, placeHolder: 'Which job?' }))?.record;
}

/** Brings a job's results home; asks before it rents anything for that. */
export async function fetchJobResults(vs: typeof vscode, options: JobActionOptions, target: unknown): Promise<void> {
  const record = await chosenJob(
    vs,
    options.records,
    target,
    'Fetch Results',
    (r) => r.outcome !== undefined && r.remote !== undefined,
  );
  if (record === undefined) {
    return;
  }
  const installation = await options.installation();
  const { fetchLater } = await import('../../core/jobs/finish.ts');
  const title = `Fetching the results of ${record.project}…`;
  const result = await withProgress(vs, { title }, (signal, report) =>
    fetchLater(installation, record, {
      signal,
      onEvent: (event) => {
        if (event.type === 'transfer') {
          report(`${event.files} of ${event.filesTotal} files`);
        } else if (event.type === 'phase') {
          report(event.text);
        }
      },
      confirm: async (offer) => {
        const price = pricePerHour(offer.costPerHour);
        const button = `Rent and Fetch for ${price}`;
        const chosen = await vs.window.showWarningMessage(
          `Rent a ${offer.label} to fetch the results of ${record.project}?`,
          {
            modal: true,
            detail: `The job's own pod is gone. The results are on the volume ${record.volume?.name ?? ''}; this pod brings them home and is terminated at once. It costs ${price} while it runs, a few minutes as a rule.`,
          },
          button,
        );
        return chosen === button;
      },
    }),
  );
  const done = valueOf(result);
  if (done.fetched !== undefined) {
    vs.window.setStatusBarMessage(`$(pass) ${count(done.fetched.files, 'file')} in ${resultsFolder(done)}`, 10_000);
  }
}

/** Shows the folder with a job's results: in the Explorer where it is part of the workspace. */
export async function openJobResults(vs: typeof vscode, records: JobRecords, target: unknown): Promise<void> {
  const record = await chosenJob(vs, records, target, 'Open Results Folder', (r) => r.fetched !== undefined);
  if (record === undefined) {
    return;
  }
  if (record.fetched === undefined) {
    throw new UserError('not-fetched', {
      what: `The results of ${record.project} have not been brought home yet.`,
      next: 'Fetch them first with "Fetch Results…".',
    });
  }
  await revealFolder(vs, resultsFolder(record));
}

export async function revealFolder(vs: typeof vscode, folder: string): Promise<void> {
  const uri = vs.Uri.file(folder);
  const inside = vs.workspace.getWorkspaceFolder(uri) !== undefined;
  await vs.commands.executeCommand(inside ? 'revealInExplorer' : 'revealFileInOS', uri);
}

/** Attaches this window to a job that goes on without it. */
export async function attachToJob(vs: typeof vscode, options: JobActionOptions, target: unknown): Promise<void> {
  const fits = (r: JobRecord): boolean => r.phase !== 'done' && r.remote !== undefined;
  const record = await chosenJob(vs, options.records, target, 'Attach to Job', fits);
  if (record === undefined) {
    return;
  }
  if (!fits(record)) {
    throw new UserError('job-over', {
      what: `The job of ${record.project} is over, or has not reached a pod yet.`,
      next: 'There is nothing to attach to.',
    });
  }
  options.live.attach(await options.installation(), record);
}
