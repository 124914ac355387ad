import { knownPods } from '../core/caps/known-pods.ts';
import { accountLedger } from '../core/costs/account-costs.ts';
import { ledgerOf, type JobCost } from '../core/costs/ledger.ts';
import { cancelJob } from '../core/jobs/cancel.ts';
import {
  askerText,
  endsByText,
  helperText,
  jobWords,
  missingWords,
  phaseWords,
  priced,
  pricePerHour,
  spentText,
} from '../core/words/index.ts';
import { helperUse, type HelperUse } from '../core/journal/helper-use.ts';
import { HelperPods } from '../core/journal/helpers.ts';
import { podPrefix } from '../core/journal/id.ts';
import { hardwareOf, podsOf } from '../core/pods/of-job.ts';
import {
  hasBegun,
  isBeingPrepared,
  leftPodEnds,
  mayRun,
  missingResults,
  unreadableRecord,
  wasLeft,
  type JobRecord,
} from '../core/journal/records.ts';
import { follow } from '../core/jobs/follow.ts';
import { lostRemedies, noteGone } from '../core/jobs/gone.ts';
import { JobJournals, viewWithRecord } from '../core/journal/job-journals.ts';
import { isLoopback } from '../core/runpod/connection.ts';
import type { Pod } from '../core/runpod/schemas.ts';
import type { Installation } from '../core/home/installation.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { finish, makeOutput, type Output } from './output.ts';
import { printable, table } from './style.ts';

export interface JobOptions extends GlobalOptions {
  json?: boolean;
  yes?: boolean;
}

export async function attachCommand(name: string | undefined, options: JobOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const record = await installation.records.find(name, hasBegun);
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  try {
    return finish(output, await follow(installation, record, { onEvent: output.onEvent, signal: interrupt.signal }));
  } finally {
    interrupt.stop();
  }
}

export async function cancelCommand(name: string | undefined, options: JobOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const record = await installation.records.find(name, mayRun);
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  try {
    const ended = await cancelJob(installation, record, { onEvent: output.onEvent, signal: interrupt.signal });
    if (ended === undefined) {
      output.result({ type: 'result', job: record.job, outcome: record.outcome }, `${record.job} has ended already.`);
      return exitCodes.succeeded;
    }
    const code = finish(output, ended);
    // A cancelled job is what was asked for.
    return ended.outcome === 'cancelled' ? exitCodes.succeeded : code;
  } finally {
    interrupt.stop();
  }
}

/** All jobs of this installation with their pods, and every pod of this product that none of them owns. */
export async function jobsCommand(options: JobOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const output = makeOutput(options);
  const pods = (await installation.client.pods.list()).filter((p) => p.status !== 'TERMINATED');
  const gone = await noteGone(installation, pods);
  const costs = await costsOfJobs(installation, pods);
  const records = await installation.records.list();
  // A pod that several jobs had is shown beside each of them; its cost is shared among them.
  const jobs = records.map((record) => ({ record, pods: podsOf(record, pods), cost: costs.get(record.job) }));
  const helpers = await new HelperPods(installation.home).list(installation.restUrl);
  const owned = new Set(jobs.flatMap((j) => j.pods.map((p) => p.id)));
  const strangers = pods.filter((p) => p.name.startsWith(podPrefix) && !owned.has(p.id));
  const lines = table(
    [
      ['job', 'state', 'cost', 'pod', 'asked by'].map(output.style.dim),
      ...jobs.map((j) =>
        [
          j.record.job,
          stateText(j.record, j.pods),
          costText(j.cost, isLoopback(j.record.restUrl)),
          j.pods.map((pod) => podText(pod, installation.client.free)).join(', '),
          askerText(j.record.askedBy),
        ].map(printable),
      ),
    ],
    output.width,
  );
  const helperOf = (pod: Pod): HelperUse | undefined => helperUse(pod, helpers);
  const warnings = strangers.map((p) => strangerLine(p, helperOf(p), installation.client.free));
  const lost = await Promise.all(
    gone.filter((r) => r.outcome === 'lost').map((r) => lostLines(installation, r, output)),
  );
  const left = jobs
    .filter((j) => wasLeft(j.record) && j.record.outcome === undefined)
    .flatMap((j) => j.pods.map((pod) => leftLine(j.record, pod, installation.client.free)));
  const unreadable = (await installation.records.unreadable()).flatMap((one) => {
    const { message, remedies } = unreadableRecord(one);
    return [`! ${message}`, ...output.hints(remedies)];
  });
  const text = records.length === 0 ? ['There is no job yet.', ...output.hints([{ do: 'run' }])] : lines;
  output.result(
    {
      type: 'jobs',
      jobs: jobs.map((j) => ({
        ...j.record,
        state: stateText(j.record, j.pods),
        cost: j.cost?.dollars ?? 0,
        costAtMost: j.cost?.mostDollars ?? 0,
        podRunning: j.pods.length > 0,
        leftPodEnds: wasLeft(j.record) ? leftPodEnds(j.record)?.toISOString() : undefined,
        pods: j.pods.map(podJson),
      })),
      unowned: strangers.map((p) => ({ ...podJson(p), helper: helperJson(helperOf(p)) })),
    },
    [...text, ...[...warnings, ...left, ...lost.flat(), ...unreadable].map(printable)].join('\n'),
  );
  return exitCodes.succeeded;
}

function strangerLine(pod: Pod, helper: HelperUse | undefined, free: boolean): string {
  const what = `${pod.name} (${hardwareOf(pod)}, ${pricePerHour(pod.cost, free)})`;
  const state = pod.status.toLowerCase();
  if (helper === undefined) {
    return `! ${what} was not started from here and is ${state}.`;
  }
  const where = helper.isOwn ? 'here' : 'another computer';
  const told = `${what} was started from ${where} for ${helperText(helper)} and is ${state}`;
  return helper.atWork === 'no'
    ? `! ${told}; the program that worked with it was ended, and it ends itself within a quarter of an hour.`
    : `  ${told}.`;
}

/** A pod whose client was ended before its job ran. */
function leftLine(record: JobRecord, pod: Pod, free: boolean): string {
  const what = `The pod ${pod.name} (${hardwareOf(pod)}, ${pricePerHour(pod.cost, free)}) was left`;
  return `! ${what} while ${phaseWords[record.phase]}; ${endsByText(leftPodEnds(record))}.`;
}

function helperJson(helper: HelperUse | undefined): object | undefined {
  return helper && { purpose: helper.purpose, project: helper.project, atWork: helper.atWork };
}

/** What is said once of a job that has just been found to be lost. */
async function lostLines({ records }: Installation, record: JobRecord, output: Output): Promise<string[]> {
  const journals = new JobJournals(records, record);
  await journals.read();
  const remedies = lostRemedies(record, viewWithRecord(record, journals.view));
  return [`! ${record.job} was lost. ${record.reason ?? ''}`, ...output.hints(remedies)];
}

/** By job, as the ledger counts them: of this account, and of others that this computer ran jobs with. */
async function costsOfJobs(installation: Installation, pods: readonly Pod[]): Promise<ReadonlyMap<string, JobCost>> {
  const { records, restUrl } = installation;
  const elsewhere = new Set((await records.list()).map((r) => r.restUrl).filter((url) => url !== restUrl));
  const ledgers = [
    await accountLedger(installation, pods),
    ...(await Promise.all(
      [...elsewhere].map(async (url) => ledgerOf(await knownPods({ ...installation, restUrl: url }, undefined))),
    )),
  ];
  return new Map(ledgers.flatMap(({ jobs }) => jobs.map((job) => [job.job, job] as const)));
}

/** Where nobody saw an end it lies between two amounts. */
function costText(job: JobCost | undefined, free: boolean): string {
  if (job === undefined) {
    return '';
  }
  return job.dollars === null ? '?' : priced(spentText(job.dollars, job.mostDollars ?? job.dollars), free);
}

function stateText(record: JobRecord, pods: Pod[]): string {
  const { outcome, phase } = record;
  if (outcome !== undefined) {
    if (outcome === 'lost' && pods.length === 0 && record.podEnded === undefined) {
      return `${jobWords.lost} (its pod is gone)`;
    }
    const missing = missingResults(record);
    return missing === undefined ? jobWords[outcome] : `${jobWords[outcome]}, ${missingWords(missing)}`;
  }
  if (phase === 'done') {
    return hasBegun(record) ? jobWords.unknown : 'not started';
  }
  if (phase === 'run') {
    return pods.length > 0 ? jobWords.running : `${jobWords.unknown} (its pod is gone)`;
  }
  const prepared = isBeingPrepared(record);
  if (prepared === 'yes') {
    return phaseWords[phase];
  }
  return `${prepared === 'no' ? 'left' : 'perhaps left'} while ${phaseWords[phase]}`;
}

function podText(pod: Pod, free: boolean): string {
  return `${hardwareOf(pod)} · ${pricePerHour(pod.cost, free)} · ${pod.status.toLowerCase()}`;
}

function podJson(pod: Pod): { id: string; name: string; status: string; costPerHour: number | null } {
  return { id: pod.id, name: pod.name, status: pod.status, costPerHour: pod.cost };
}
