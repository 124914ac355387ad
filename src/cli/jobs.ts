import { costOf, meteredCost } from '../core/caps/meter.ts';
import { cancelJob } from '../core/jobs/cancel.ts';
import { cost, helperText, jobWords, missingWords, phaseWords, pricePerHour } from '../core/words/index.ts';
import { HelperPods, isAtWork, type HelperPod } from '../core/journal/helpers.ts';
import { podPrefix } from '../core/journal/id.ts';
import { hardwareOf, podsOf, withPod } from '../core/pods/of-job.ts';
import {
  hasBegun,
  isBeingPrepared,
  mayRun,
  missingResults,
  unreadableRecord,
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
  const records = await installation.records.list();
  const jobs = await Promise.all(
    records.map(async (record) => {
      const own = podsOf(record, pods);
      return { record, pods: own, cost: await costSoFar(installation, record, own) };
    }),
  );
  const owned = new Set(jobs.flatMap((j) => j.pods.map((p) => p.id)));
  const helpers = await new HelperPods(installation.home).list(installation.restUrl);
  const strangers = pods.filter((p) => p.name.startsWith(podPrefix) && !owned.has(p.id));
  const lines = table(
    [
      ['job', 'state', 'cost', 'pod'].map(output.style.dim),
      ...jobs.map((j) =>
        [
          j.record.job,
          stateText(j.record, j.pods),
          cost(j.cost, isLoopback(j.record.restUrl)),
          j.pods.map((pod) => podText(pod, installation.client.free)).join(', '),
        ].map(printable),
      ),
    ],
    output.width,
  );
  const helperOf = (pod: Pod): HelperPod | undefined => helpers.find((h) => h.id === pod.id);
  const warnings = strangers.map((p) => strangerLine(p, helperOf(p), installation.client.free));
  const lost = await Promise.all(
    gone.filter((r) => r.outcome === 'lost').map((r) => lostLines(installation, r, output)),
  );
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
        cost: j.cost,
        podRunning: j.pods.length > 0,
        pods: j.pods.map(podJson),
      })),
      unowned: strangers.map((p) => ({ ...podJson(p), helper: helperJson(helperOf(p)) })),
    },
    [...text, ...[...warnings, ...lost.flat(), ...unreadable].map(printable)].join('\n'),
  );
  return exitCodes.succeeded;
}

function strangerLine(pod: Pod, helper: HelperPod | undefined, free: boolean): string {
  const what = `${pod.name} (${hardwareOf(pod)}, ${pricePerHour(pod.cost, free)})`;
  const state = pod.status.toLowerCase();
  if (helper === undefined) {
    return `! ${what} was not started from here and is ${state}.`;
  }
  const told = `${what} was started from here for ${helperText(helper)} and is ${state}`;
  return isAtWork(helper) === 'no'
    ? `! ${told}; the program that worked with it was ended, and it ends itself within a quarter of an hour.`
    : `  ${told}.`;
}

function helperJson(helper: HelperPod | undefined): object | undefined {
  return helper && { purpose: helper.purpose, project: helper.project ?? null, atWork: isAtWork(helper) };
}

/** What is said once of a job that has just been found to be lost. */
async function lostLines({ records }: Installation, record: JobRecord, output: Output): Promise<string[]> {
  const journals = new JobJournals(records, record);
  await journals.read();
  const remedies = lostRemedies(record, viewWithRecord(record, journals.view));
  return [`! ${record.job} was lost. ${record.reason ?? ''}`, ...output.hints(remedies)];
}

/** By the meter; when nobody saw a pod end, what RunPod billed for it. */
async function costSoFar(installation: Installation, record: JobRecord, pods: Pod[]): Promise<number> {
  const [pod] = pods;
  if (pod !== undefined) {
    return meteredCost(withPod(record, pod).pod, record.podEnded ?? new Date());
  }
  if (record.podEnded !== undefined || record.pod === undefined) {
    return meteredCost(record.pod, record.podEnded ?? new Date());
  }
  const { billed, metered } = await costOf(installation.client, record);
  return billed ?? metered;
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
