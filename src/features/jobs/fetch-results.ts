import type * as vscode from 'vscode';
import { count, forPrice, missingText, pricePerHour } from '../../core/words/index.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { AskConflicts, Conflict } from '../../core/jobs/bring-home.ts';
import type { Fetched } from '../../core/jobs/fetch-later.ts';
import { mayComeLater, missingResults, resultsFolder, type JobRecords } from '../../core/journal/records.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { press, type Button } from '../common/remedies.ts';
import { commands } from '../ids.ts';
import { chooseJob } from './choose-job.ts';

export interface FetchOptions {
  records: JobRecords;
  installation: () => Promise<Installation>;
  /** The record says something else from here on. */
  changed: () => void;
}

/** Brings a job's results home; asks before it rents anything for that, and before it takes what differs. */
export async function fetchJobResults(vs: typeof vscode, options: FetchOptions, target: unknown): Promise<void> {
  const record = await chooseJob(
    vs,
    options.records,
    target,
    'Fetch Results',
    (r) => r.outcome !== undefined && r.remote !== undefined,
    'No job has ended that has results on a volume.',
  );
  if (record === undefined) {
    return;
  }
  const installation = await options.installation();
  const { fetchLater } = await import('../../core/jobs/fetch-later.ts');
  const title = `Fetching the results of ${record.project}…`;
  const missing = missingResults(record);
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
      ask: askConflicts(vs, record.project),
      confirm: async (offer) => {
        const { free } = installation.client;
        const price = pricePerHour(offer.costPerHour, free);
        const button = `Rent and Fetch ${forPrice(pricePerHour(offer.costPerHour, false), free)}`;
        const here =
          record.fetched === undefined || missing === undefined
            ? ''
            : ` What came before is in ${resultsFolder(record)}; ${missingText(missing)}.`;
        const chosen = await vs.window.showWarningMessage(
          `Rent a ${offer.label} to fetch the results of ${record.project}?`,
          {
            modal: true,
            detail: `The job's own pod is gone. The results are on the volume ${record.volume?.name ?? ''}; this pod brings them home and is terminated at once. Its price: ${price} while it runs, a few minutes as a rule.${here}`,
          },
          button,
        );
        return chosen === button;
      },
    }),
  );
  options.changed();
  const told = fetchedText(valueOf(result));
  if (told.isWell) {
    vs.window.setStatusBarMessage(`$(pass) ${told.text}`, 10_000);
    return;
  }
  // The fetch is over; the message may stay for hours.
  void vs.window.showWarningMessage(told.text, ...told.buttons.map((b) => b.title)).then((chosen) =>
    press(
      vs,
      told.buttons.find((b) => b.title === chosen),
    ),
  );
}

const named = 5;

/** What came of it, for a message. */
export function fetchedText({ record, kept, later, end }: Fetched): {
  text: string;
  isWell: boolean;
  buttons: Button[];
} {
  const { fetched, job, project } = record;
  const missing = missingResults(record);
  const again = { title: 'Fetch Results…', command: commands.fetchResults, arguments: [{ id: job }] };
  const open = { title: 'Open Results', command: commands.openResults, arguments: [{ id: job }] };
  if (end === 'nothing') {
    return { text: `Nothing of ${project} was fetched.`, isWell: false, buttons: [again] };
  }
  if (missing === undefined && kept.length === 0) {
    const { files = 0, here = 0 } = fetched ?? {};
    const came = end === 'here already' ? 'The results are here already,' : count(files, 'file');
    const more = end === 'fetched' && here > 0 ? `, ${here} more were here already,` : '';
    return { text: `${came}${more} in ${resultsFolder(record)}`, isWell: true, buttons: [] };
  }
  const names = (list: readonly string[]): string =>
    `${list.slice(0, named).join(', ')}${list.length > named ? ` and ${list.length - named} more` : ''}`;
  const lines = [
    ...(missing === undefined ? [] : [`Of ${project}, ${missingText(missing)}. ${missing.why ?? ''}`.trim()]),
    ...(missing?.left ?? []).slice(0, named).map(({ path, reason }) => `${path}: ${reason}`),
    ...(missing !== undefined && missing.count > named ? [`And ${missing.count - named} more.`] : []),
    ...(kept.length === 0 ? [] : [`What you changed here was kept as it is: ${names(kept)}.`]),
  ];
  const mayFetch = kept.length > 0 || later.length > 0 || mayComeLater(missing);
  const buttons = [...(mayFetch ? [again] : []), ...(fetched === undefined ? [] : [open])];
  return { text: lines.join(' '), isWell: false, buttons };
}

/** Asks what is to become of results that differ; nothing of the user's is touched without an answer. */
export function askConflicts(vs: Pick<typeof vscode, 'window'>, project: string): AskConflicts {
  return async (conflicts) => {
    const answers = { 'Take from Volume': 'theirs', 'Keep Both': 'both', 'Leave as Here': 'mine' } as const;
    const chosen = await vs.window.showWarningMessage(
      `${count(conflicts.length, 'result')} of ${project} ${conflicts.length === 1 ? 'differs' : 'differ'} here and on the volume.`,
      { modal: true, detail: conflictLines(conflicts) },
      ...(Object.keys(answers) as (keyof typeof answers)[]),
    );
    return chosen === undefined ? undefined : answers[chosen];
  };
}

function conflictLines(conflicts: readonly Conflict[]): string {
  const lines = conflicts.slice(0, named).map(({ path, kind, job }) => {
    const writer = job === undefined ? 'somebody' : `the later job ${job}`;
    return `${path}: ${kind === 'edited' ? 'you changed it since it came home' : `on the volume lies what ${writer} wrote over it`}`;
  });
  return [...lines, ...(conflicts.length > named ? [`and ${conflicts.length - named} more`] : [])].join('\n');
}
