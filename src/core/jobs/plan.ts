import { mostDollarsOf, wholeDay, type DayLeft } from '../caps/cap.ts';
import { leftToday } from '../caps/day.ts';
import type { CostSource } from '../caps/known-pods.ts';
import { UserError } from '../errors.ts';
import { candidates, type Candidate } from '../pods/hardware.ts';
import { planVolume, type VolumePlan } from '../pods/volume.ts';
import { checkFiles } from '../project/check.ts';
import type { LoadedProject } from '../project/load.ts';
import { position } from '../project/parse.ts';
import { applyProfile } from '../project/profile.ts';
import type { Project, Step } from '../project/schema.ts';
import type { RunPodClient } from '../runpod/client.ts';
import { mayLeave } from '../files/leaving.ts';
import type { ScanResult } from '../files/scan.ts';
import { scanProject, secretSearchOf } from '../files/to-upload.ts';
import { whyNotMaskable } from '../contract.ts';
import { missingFiles } from '../files/missing.ts';
import { newJobId } from '../journal/id.ts';
import { stepsOn } from '../journal/spec.ts';

/** What a run would do, known before anything is paid for. A value: the same for the terminal and the editor. */
export interface RunPlan {
  job: string;
  /** The project with its profile applied. */
  loaded: LoadedProject;
  profile: string | undefined;
  from: string | undefined;
  volume: VolumePlan;
  dataCenter: string;
  candidates: Candidate[];
  localSteps: Step[];
  podSteps: Step[];
  /** Secrets that the steps ask for, by name. */
  secrets: Record<string, string>;
  /**
   * Most that the pod can cost by the caps, in USD; null when no cap or no price limits it. With a cap in hours alone
   * the upload comes on top, since those count from the start of the job.
   */
  mostDollars: number | null;
}

export interface PlanOptions {
  profile?: string | undefined;
  /** Runs this step and all after it, even when unchanged. */
  from?: string | undefined;
  /** Looks a secret up by its name. */
  secret: (name: string) => string | undefined | Promise<string | undefined>;
  /** Tells what is left of the day's caps; without it only the start of the job looks. */
  costs?: CostSource | undefined;
  signal?: AbortSignal | undefined;
}

/** Checks everything that can be checked without paying. Throws a UserError for the first thing that cannot work. */
export async function planRun(client: RunPodClient, loaded: LoadedProject, options: PlanOptions): Promise<RunPlan> {
  const project = applyProfile(loaded.project, options.profile);
  const changed = { ...loaded, project };
  checkFrom(project, options.from);
  await checkProjectFiles(changed);
  const found = await checkMustFiles(changed);
  if (stepsOn(project, 'pod').length > 0) {
    // Once more when the local steps have made theirs; most of what is wrong is there before.
    const all = [...found.files, ...found.archives.flatMap(({ files }) => files)];
    await mayLeave(all, { ...secretSearchOf(changed), signal: options.signal });
  }
  const secrets = await collectSecrets(project, options.secret);
  const volume = await planVolume(client, project.target.volume, options.signal);
  const dataCenter = volume.exists ? volume.volume.dataCenter : volume.dataCenter;
  const left = options.costs === undefined ? wholeDay : await leftToday(options.costs, project, options.signal);
  const hardware = await candidates(client, project.target, dataCenter, options.signal);
  if (hardware.every((c) => c.stock === 'NONE')) {
    throw new UserError('no-stock', {
      what: `None of ${hardware.map((c) => c.label).join(', ')} is free in ${dataCenter} at the moment.`,
      why: `The volume is in ${dataCenter}, so the pod must be there too.`,
      next: 'Nothing was charged. Add more GPU types to "target.gpus", try again later, or use a volume in another data center.',
      remedies: [{ do: 'regions', file: loaded.file }],
    });
  }
  return {
    job: newJobId(project.name),
    loaded: changed,
    profile: options.profile,
    from: options.from,
    volume,
    dataCenter,
    candidates: hardware,
    localSteps: stepsOn(project, 'local'),
    podSteps: stepsOn(project, 'pod'),
    secrets,
    mostDollars: mostOver(project, hardware, left),
  };
}

/** Highest cost within the caps over all candidates; null where no cap limits it or a price is not known. */
export function mostOver({ caps, target }: Project, list: Candidate[], left: DayLeft): number | null {
  const costs = list.map((c) => mostDollarsOf(caps, c.costPerHour, left, target.readyMinutes * 60));
  return costs.length === 0 || costs.includes(null) ? null : Math.max(...costs.map((c) => c ?? 0));
}

function checkFrom(project: Project, from: string | undefined): void {
  if (from !== undefined && !project.steps.some((s) => s.name === from)) {
    throw new UserError('step-unknown', {
      what: `The project has no step "${from}".`,
      next: `Its steps are: ${project.steps.map((s) => s.name).join(', ')}.`,
    });
  }
}

async function checkProjectFiles({ project, root, text, file }: LoadedProject): Promise<void> {
  const run: readonly string[] = ['script', 'notebook', 'module'];
  const problems = (await checkFiles(project, root, text)).filter((p) => run.includes(p.about));
  if (problems.length > 0) {
    const lines = problems.map((p) => `  ${position(text, p.offset)}  ${p.message}`);
    throw new UserError('project-files', {
      what: `${file} names files that cannot be used:\n${lines.join('\n')}\n`,
      next: 'Correct the names or the files; nothing was started.',
    });
  }
}

/** "must" files that no local step makes have to be there before anything runs (R2.2). */
async function checkMustFiles({ project, root }: LoadedProject): Promise<ScanResult> {
  const made = new Set(stepsOn(project, 'local').flatMap((s) => s.outputs ?? []));
  const found = await scanProject({ root, project });
  // Without local steps nothing can still appear, so data files have to be there as well.
  const absent = found.missing.filter((m) => !made.has(m.pattern) && (m.list === 'must' || made.size === 0));
  if (absent.length > 0) {
    throw missingFiles(absent, found);
  }
  return found;
}

async function collectSecrets(project: Project, secret: PlanOptions['secret']): Promise<Record<string, string>> {
  const names = [...new Set(project.steps.flatMap((s) => s.secrets ?? []))];
  const reserved = names.filter((name) => name.toUpperCase().startsWith('RUNPOD_'));
  if (reserved.length > 0) {
    throw new UserError('secret-reserved', {
      what: `Steps ask for ${reserved.join(', ')}, which no step may have.`,
      why: 'Names that begin with RUNPOD_ are those of keys that can spend money and end pods.',
      next: 'Remove the name from "secrets". A step that has to call RunPod needs a restricted key of its own under another name.',
    });
  }
  const found = await Promise.all(names.map(async (name) => [name, await secret(name)] as const));
  const absent = found.filter(([, value]) => value === undefined || value === '').map(([name]) => name);
  if (absent.length > 0) {
    throw new UserError('secret-missing', {
      what: `Steps ask for secrets that are not known here: ${absent.join(', ')}.`,
      next: 'Set them on this machine; the project file has only their names.',
      remedies: absent.map((name) => ({ do: 'set-secret', name })),
    });
  }
  for (const [name, value] of found) {
    const why = whyNotMaskable(value ?? '');
    if (why !== undefined) {
      throw new UserError('secret-too-common', {
        what: `The secret ${name} cannot be kept out of what steps print.`,
        why,
        next: 'Use a longer one, or write it under "env" when it is no secret. Nothing was started.',
        remedies: [{ do: 'set-secret', name }],
      });
    }
  }
  return Object.fromEntries(found.map(([name, value]) => [name, value ?? '']));
}
