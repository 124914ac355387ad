import type * as vscode from 'vscode';
import type { JobResult } from '../../core/jobs/conclude.ts';
import { mayComeLater, missingResults } from '../../core/journal/missing-results.ts';
import { isLoopback } from '../../core/runpod/connection.ts';
import { duration, endedWords, missingText, priced, spentText } from '../../core/words/index.ts';
import { buttonsOf, type Button } from '../common/remedies.ts';
import { commands } from '../ids.ts';

export type EndedJob = Omit<JobResult, 'view'>;

/** How a job's end is told: as quiet as may be. */
export interface EndMessage {
  how: 'error' | 'warning' | 'information' | 'status';
  text: string;
  buttons: Button[];
}

export interface EndOptions {
  /** A success is told in a message when the job took so long, in ms; Infinity for never. */
  longMs: number;
  /** The user looks at the job's panel, which says all of it. */
  isWatched: boolean;
}

/** What is said of the end of a job; undefined where nothing has to be. Success is quiet, failure is not. */
export function endMessage(
  vs: Pick<typeof vscode, 'Uri'>,
  ended: EndedJob,
  { longMs, isWatched }: EndOptions,
  now = Date.now(),
): EndMessage | undefined {
  const { record, outcome, unfollowed, unrecorded, reason, remedies = [], cost } = ended;
  const { project, job } = record;
  const price = priced(spentText(cost.metered, cost.atMost), isLoopback(record.restUrl));
  const missing = missingResults(record);
  if (outcome === 'succeeded' && missing !== undefined) {
    const { why, left } = missing;
    const [first] = left;
    const which = why ?? (first && `${first.path}: ${first.reason}`) ?? '';
    const fetch = mayComeLater(missing) && unrecorded !== true ? [{ do: 'fetch' as const, job }] : [];
    const text = `${project} succeeded, but ${missingText(missing)}. ${which}`.trim();
    return { how: 'warning', text, buttons: buttonsOf(vs, [...remedies, ...fetch]) };
  }
  if (outcome === 'succeeded') {
    const tookMs = now - Date.parse(record.created);
    if (tookMs < longMs || isWatched) {
      return { how: 'status', text: `$(pass) ${project} succeeded · ${price}`, buttons: [] };
    }
    const results: Button[] =
      record.fetched === undefined
        ? []
        : [{ title: 'Open Results', command: commands.openResults, arguments: [{ id: job }] }];
    return {
      how: 'information',
      text: `${project} succeeded after ${duration(tookMs / 1000)}, ${price}.`,
      buttons: [...results, { title: 'Open Job', command: commands.openJob, arguments: [{ id: job }] }],
    };
  }
  if (unfollowed === true) {
    const text = `The job of ${project} goes on as far as is known, but this window cannot follow it. ${reason ?? ''}`;
    return { how: 'error', text: text.trim(), buttons: buttonsOf(vs, remedies) };
  }
  if (outcome === 'cancelled' || outcome === 'detached' || isWatched) {
    return undefined;
  }
  return {
    how: 'error',
    text: `${project} ${endedWords[outcome]} (${price}). ${reason ?? ''}`.trim(),
    buttons: [
      ...buttonsOf(vs, remedies),
      { title: 'Explain Failure…', command: commands.explainFailure, arguments: [{ id: job }] },
      { title: 'Show Job Log', command: commands.showJobLog },
    ],
  };
}
