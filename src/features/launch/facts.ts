import { setTimeout as delay } from 'node:timers/promises';
import { estimateRun } from '../../core/costs/estimate-run.ts';
import { leftToday } from '../../core/caps/day.ts';
import type { Estimate } from '../../core/costs/estimate.ts';
import type { Installation } from '../../core/home/installation.ts';
import { mostOver } from '../../core/jobs/plan.ts';
import { foresee, type StepForesight } from '../../core/jobs/foresight.ts';
import { stepsOn } from '../../core/journal/spec.ts';
import { foreseePod, type ForeseenPod } from '../../core/jobs/reuse.ts';
import { candidates, type Candidate } from '../../core/pods/hardware.ts';
import { planVolume, type VolumePlan } from '../../core/pods/volume.ts';
import { preflight, smokeProject, type PreflightReport } from '../../core/guards/preflight/index.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { planSync } from '../../core/volumes/sync.ts';
import { uploadWait, type PreparedPlan, type TimeEstimate } from '../../core/volumes/plan/index.ts';
import type { Credentials } from '../account/credentials.ts';
import type { RunRequest } from '../jobs/run-job.ts';

/** The checks wait this long for the price before they do without it, in ms. */
const priceWaitMs = 2_000;

export interface Hardware {
  volume: VolumePlan;
  dataCenter: string;
  list: Candidate[];
}

/** What is found out before a run, each by itself; every promise has to be listened to. */
export interface LaunchFacts {
  hardware: Promise<Hardware>;
  sync: Promise<PreparedPlan>;
  /** How long the job's own pod waits for its files. */
  upload: Promise<TimeEstimate>;
  /** The pod that is there already and that the run will use. */
  pod: Promise<ForeseenPod | undefined>;
  /** What each step will do. */
  foreseen: Promise<StepForesight[]>;
  estimate: Promise<Estimate>;
  /** USD that the caps allow at most; null without a cap or a price. */
  most: Promise<number | null>;
  report: Promise<PreflightReport>;
}

/** Asks everything at once. `changed` is the project with its profile applied. Nothing is rented or changed. */
export function launchFacts(
  here: Installation,
  loaded: LoadedProject,
  changed: LoadedProject,
  { profile, from }: RunRequest,
  credentials: Credentials,
  signal: AbortSignal,
): LaunchFacts {
  const hardware = hardwareOf(here, changed, signal);
  const sync = planSync(here, changed, { signal });
  const pod = hardware.then(
    ({ volume, list }) => foreseePod(here, { loaded: changed, candidates: list, volume }, signal),
    () => undefined,
  );
  const most = mostOf(here, changed, hardware, signal);
  const upload = sync.then(({ plan }) => uploadWait(loaded.root, plan));
  const planned = Promise.race([
    sync.then(
      ({ plan }) => plan,
      () => undefined,
    ),
    delay(priceWaitMs, undefined, { ref: false }),
  ]);
  const foreseen = Promise.all([
    hardware.then(
      ({ volume }) => (volume.exists ? volume.volume : undefined),
      () => undefined,
    ),
    planned,
  ]).then(([volume, transfer]) => foresee(here, changed, { from, volume, transfer, signal }));
  const estimateWith = async (waits: TimeEstimate | null): Promise<Estimate> => {
    const { volume, dataCenter, list } = await hardware;
    const mostDollars = await most.catch(() => null);
    const podSteps = stepsOn(changed.project, 'pod');
    return estimateRun(
      here,
      {
        ...{ loaded: changed, volume, dataCenter, candidates: list, podSteps, mostDollars },
        foreseen: await foreseen.catch(() => []),
        pod: await pod.catch(() => undefined),
      },
      waits,
    );
  };
  const soon = Promise.race([estimateWith(null).catch(() => undefined), delay(priceWaitMs, undefined, { ref: false })]);
  const report = soon.then(async (estimate) =>
    preflight(here, loaded, {
      profile,
      secret: async (name) => (await credentials.stepSecret(name))?.reveal(),
      estimate: estimate ?? undefined,
      s3Keys: here.s3 && (await here.s3.keys()) !== undefined,
      signal,
    }),
  );
  const estimate = upload.catch(() => null).then(estimateWith);
  return { hardware, pod, sync, upload, foreseen, estimate, most, report };
}

/** A smoke run: what it is asked of, and what it costs. */
export interface SmokeFacts {
  /** The one that is asked for first. */
  hardware: Candidate | undefined;
  estimate: Estimate;
  /** USD that its caps allow at most on any of the machines that may be granted. */
  most: number | null;
  /** Data files that are too large for it. */
  left: string[];
}

/** Looks what a smoke run of the project would do and cost. */
export async function smokeFacts(here: Installation, changed: LoadedProject, signal: AbortSignal): Promise<SmokeFacts> {
  const { loaded, left } = await smokeProject(here.client, changed, signal);
  const found = hardwareOf(here, loaded, signal);
  const [{ volume, dataCenter, list }, most] = await Promise.all([found, mostOf(here, loaded, found, signal)]);
  const podSteps = stepsOn(loaded.project, 'pod');
  const plan = { loaded, volume, dataCenter, candidates: list, podSteps, mostDollars: most, foreseen: [] };
  return { hardware: list[0], estimate: await estimateRun(here, plan), most, left };
}

async function hardwareOf(here: Installation, { project }: LoadedProject, signal: AbortSignal): Promise<Hardware> {
  const volume = await planVolume(here.client, project.target.volume, signal);
  const dataCenter = volume.exists ? volume.volume.dataCenter : volume.dataCenter;
  return { volume, dataCenter, list: await candidates(here.client, project.target, dataCenter, signal) };
}

/** The most that the caps allow over all candidates; null without a cap or a price. */
async function mostOf(
  here: Installation,
  { project }: LoadedProject,
  hardware: Promise<Hardware>,
  signal: AbortSignal,
): Promise<number | null> {
  const left = await leftToday(here, project, signal);
  const { list } = await hardware.catch(() => ({ list: [] }));
  return mostOver(project, list, left);
}
