import { messageOf } from '../core/errors.ts';
import { isOfThisDisk } from '../core/files/writable.ts';
import type { Installation } from '../core/home/installation.ts';
import { lookHome, type AskConflicts, type Conflict, type Keep } from '../core/jobs/bring-home.ts';
import { fetchLater, type Fetched } from '../core/jobs/fetch-later.ts';
import { hasBegun, mayComeLater, missingResults, resultsFolder, type JobRecord } from '../core/journal/records.ts';
import type { Remedy } from '../core/remedy.ts';
import { count, missingText, pricePerHour } from '../core/words/index.ts';
import { choose, confirm } from './ask.ts';
import { makeInstallation } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import type { JobOptions } from './jobs.ts';
import { makeOutput, type Output } from './output.ts';
import { printable } from './style.ts';
import { resultsLines } from './summary.ts';

export interface FetchCommandOptions extends JobOptions {
  keep?: Keep;
}

export async function fetchCommand(name: string | undefined, options: FetchCommandOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const record = await installation.records.find(name, hasBegun);
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  try {
    const done = await fetchLater(installation, record, {
      onEvent: output.onEvent,
      signal: interrupt.signal,
      ask: askConflicts(options.keep),
      confirm: async (offer) => {
        const rent = `Rent a ${offer.label} (${pricePerHour(offer.costPerHour, installation.client.free)}) for the time of the transfer?`;
        await confirm([...hereText(record), `The pod is gone. ${rent}`].join('\n'), options.yes === true);
        return true;
      },
    });
    return tell(output, done);
  } catch (error) {
    if (!isOfThisDisk(error)) {
      throw error;
    }
    return tell(output, await stopped(installation, record, error));
  } finally {
    interrupt.stop();
  }
}

/** What this machine's disk ended: what came before is here. */
async function stopped(installation: Installation, before: JobRecord, error: unknown): Promise<Told> {
  const record = (await installation.records.get(before.job)) ?? before;
  const { here } = await lookHome(installation, record);
  const notHome = { time: new Date().toISOString(), why: messageOf(error), count: 0, left: [] };
  return { record: { ...record, notHome }, kept: [], later: [], end: 'stopped', here };
}

/** What is at home before anything is rented. */
function hereText(record: JobRecord): string[] {
  const missing = missingResults(record);
  if (record.fetched === undefined || missing === undefined) {
    return [];
  }
  return [`What came before is in ${printable(resultsFolder(record))}; ${missingText(missing)}.`];
}

type Told = Omit<Fetched, 'end'> & { end: Fetched['end'] | 'stopped'; here?: number };

function tell(output: Output, { record, kept, later, end, here }: Told): number {
  const { job, fetched } = record;
  const results = resultsFolder(record);
  const missing = missingResults(record);
  const remedies: Remedy[] = [];
  if (kept.length > 0 || later.length > 0) {
    remedies.push({ do: 'fetch', job, keep: 'theirs' }, { do: 'fetch', job, keep: 'both' });
  } else if (mayComeLater(missing)) {
    remedies.push({ do: 'fetch', job });
  }
  const lines = [
    ...resultsLines(record, results, output.style, output.width),
    ...(here === undefined
      ? []
      : [`          ${count(here, 'file')} of them came and ${here === 1 ? 'is' : 'are'} in ${printable(results)}`]),
    ...(kept.length === 0
      ? []
      : [output.style.yellow(`Yours     ${count(kept.length, 'file')} that you changed here, kept as they are:`)]),
    ...kept.slice(0, shown).map((name) => `          ${printable(name)}`),
    ...(kept.length > shown ? [`          and ${kept.length - shown} more`] : []),
    ...output.hints(remedies),
  ];
  output.result(
    { type: 'result', job, end, results, fetched, notHome: missing, here, kept, remedies },
    lines.join('\n'),
  );
  return missing === undefined && kept.length === 0 ? exitCodes.succeeded : exitCodes.notHome;
}

const shown = 20;

/** Asks on a terminal; an option answers for the user, and without either nothing of theirs is touched. */
function askConflicts(keep: Keep | undefined): AskConflicts {
  return async (conflicts) => {
    if (keep !== undefined) {
      return keep;
    }
    const lines = conflicts.slice(0, shown).map(conflictLine);
    const more = conflicts.length > shown ? [`  and ${conflicts.length - shown} more`] : [];
    return choose([...lines, ...more].join('\n'), 'What is to become of them?', {
      mine: 'leave them as they are here',
      theirs: 'take what lies on the volume',
      both: 'have both side by side',
    });
  };
}

function conflictLine({ path, kind, job }: Conflict): string {
  const why =
    kind === 'edited'
      ? 'you changed it since it came home'
      : `on the volume lies what ${job === undefined ? 'somebody' : `the later job ${job}`} wrote over it`;
  return `  ${printable(path)}: ${why}`;
}
