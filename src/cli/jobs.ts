import { meteredCost, dollars } from '../core/costs/meter.ts';
import { cancelJob } from '../core/jobs/cancel.ts';
import { fetchLater, resultsFolder } from '../core/jobs/finish.ts';
import { podPrefix } from '../core/jobs/id.ts';
import type { JobRecord } from '../core/jobs/records.ts';
import { follow } from '../core/jobs/run.ts';
import type { Pod } from '../core/runpod/schemas.ts';
import { hardwareOf } from '../core/jobs/submit.ts';
import { confirm } from './ask.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { finish, makeOutput, onInterrupt } from './output.ts';
import { byteText, columns } from './style.ts';

export interface JobOptions extends GlobalOptions {
  json?: boolean;
  yes?: boolean;
}

export async function attachCommand(name: string | undefined, options: JobOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const record = await installation.records.find(name);
  const output = makeOutput(options.json === true);
  const interrupt = onInterrupt();
  try {
    return finish(output, await follow(installation, record, { onEvent: output.onEvent, signal: interrupt.signal }));
  } finally {
    interrupt.stop();
  }
}

export async function cancelCommand(name: string | undefined, options: JobOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const record = await installation.records.find(name);
  const output = makeOutput(options.json === true);
  const interrupt = onInterrupt();
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

export async function fetchCommand(name: string | undefined, options: JobOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const record = await installation.records.find(name);
  const output = makeOutput(options.json === true);
  const interrupt = onInterrupt();
  try {
    const done = await fetchLater(installation, record, {
      onEvent: output.onEvent,
      signal: interrupt.signal,
      confirm: async (costPerHour) => {
        const price = `$${costPerHour.toFixed(2)}/h`;
        await confirm(
          `The pod is gone. Rent a small CPU pod at ${price} for the time of the transfer?`,
          options.yes === true,
        );
        return true;
      },
    });
    const { fetched } = done;
    output.result(
      { type: 'result', job: done.job, results: resultsFolder(done), fetched },
      `Results   ${resultsFolder(done)} (${fetched?.files ?? 0} files, ${byteText(fetched?.bytes ?? 0)})`,
    );
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

/** All jobs of this installation and every pod of this product that none of them owns. */
export async function jobsCommand(options: JobOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const output = makeOutput(options.json === true);
  const records = await installation.records.list();
  const pods = (await installation.client.pods.list()).filter((p) => p.status !== 'TERMINATED');
  const live = new Map(pods.map((p) => [p.id, p]));
  const owned = new Set(records.map((r) => r.pod?.id));
  const strangers = pods.filter((p) => p.name.startsWith(podPrefix) && !owned.has(p.id));
  const lines = columns([
    ['job', 'state', 'cost', 'pod'],
    ...records.map((r) => [
      r.job,
      stateText(r, live),
      dollars(meteredCost(r.pod, r.podEnded ?? new Date())),
      podText(r, live),
    ]),
  ]);
  const warnings = strangers.map(
    (p) =>
      `! ${p.name} (${hardwareOf(p)}, $${(p.cost ?? 0).toFixed(2)}/h) was not started from here and is ${p.status.toLowerCase()}.`,
  );
  const text = records.length === 0 ? 'There is no job yet. Start one with: runpod-trainer run' : lines.join('\n');
  output.result(
    {
      type: 'jobs',
      jobs: records.map((r) => ({ ...r, podRunning: live.has(r.pod?.id ?? '') && r.podEnded === undefined })),
      unowned: strangers.map((p) => ({ id: p.id, name: p.name, costPerHour: p.cost })),
    },
    [text, ...warnings].join('\n'),
  );
  return exitCodes.succeeded;
}

function stateText(record: JobRecord, live: Map<string, Pod>): string {
  if (record.outcome !== undefined) {
    return record.outcome;
  }
  const running = live.has(record.pod?.id ?? '');
  if (record.phase === 'run') {
    return running ? 'running' : 'unknown (its pod is gone)';
  }
  return record.phase === 'done' ? 'not started' : `left while in "${record.phase}"`;
}

function podText(record: JobRecord, live: Map<string, Pod>): string {
  const pod = live.get(record.pod?.id ?? '');
  return pod === undefined ? '' : `${hardwareOf(pod)} · $${(pod.cost ?? 0).toFixed(2)}/h · ${pod.status.toLowerCase()}`;
}
