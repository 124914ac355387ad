import type * as vscode from 'vscode';
import { count, forPrice, pricePerHour } from '../../core/words/index.ts';
import type { Installation } from '../../core/home/installation.ts';
import { resultsFolder, type JobRecords } from '../../core/journal/records.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { chooseJob } from './choose-job.ts';

export interface FetchOptions {
  records: JobRecords;
  installation: () => Promise<Installation>;
}

/** Brings a job's results home; asks before it rents anything for that. */
export async function fetchJobResults(vs: typeof vscode, options: FetchOptions, target: unknown): Promise<void> {
  const record = await chooseJob(
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
          report(`${event.files} of ${count(event.filesTotal, 'file')}`);
        } else if (event.type === 'phase') {
          report(event.text);
        }
      },
      confirm: async (offer) => {
        const { free } = installation.client;
        const price = pricePerHour(offer.costPerHour, free);
        const button = `Rent and Fetch ${forPrice(pricePerHour(offer.costPerHour, false), free)}`;
        const chosen = await vs.window.showWarningMessage(
          `Rent a ${offer.label} to fetch the results of ${record.project}?`,
          {
            modal: true,
            detail: `The job's own pod is gone. The results are on the volume ${record.volume?.name ?? ''}; this pod brings them home and is terminated at once. Its price: ${price} while it runs, a few minutes as a rule.`,
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
