import { estimateRun } from '../core/costs/estimate-run.ts';
import { dollars, foresightText, forPrice, priced, pricePerHour, pricePerMonth } from '../core/words/index.ts';
import type { Estimate } from '../core/costs/estimate.ts';
import { throwIfCancelled, UserError } from '../core/errors.ts';
import { homeFolder } from '../core/home/folder.ts';
import type { Installation } from '../core/home/installation.ts';
import { foresee, type StepForesight } from '../core/jobs/foresight.ts';
import { planRun, type RunPlan } from '../core/jobs/plan.ts';
import { foreseenPodText, foreseePod, type ForeseenPod } from '../core/jobs/reuse.ts';
import { runJob } from '../core/jobs/run.ts';
import { capNote } from '../core/guards/verify/index.ts';
import { volumeCostPerMonth } from '../core/pods/volume.ts';
import { preflight, smokeProject } from '../core/guards/preflight/index.ts';
import { loadProject, type LoadedProject } from '../core/project/load.ts';
import { applyProfile } from '../core/project/profile.ts';
import { planSync } from '../core/volumes/sync.ts';
import { ghostLines, uploadWait, type Ghost } from '../core/volumes/plan/index.ts';
import type { GoneAnswer } from '../core/project/gone.ts';
import { askAdopt, askGone, confirm, confirmLocalSteps } from './ask.ts';
import { reportText } from './check.ts';
import { makeInstallation, type GlobalOptions, ownVariable } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { finish, makeOutput, type Output } from './output.ts';
import { onlyProjectFile } from './project-file.ts';
import { printable } from './style.ts';

export interface RunCommandOptions extends GlobalOptions {
  profile?: string;
  from?: string;
  yes?: boolean;
  detach?: boolean;
  smoke?: boolean;
  adopt?: boolean;
  gone?: GoneAnswer;
  /** Commander's `--no-check`. */
  check?: boolean;
  json?: boolean;
}

export async function runCommand(file: string | undefined, options: RunCommandOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  try {
    const given = await loadProject(file ?? (await onlyProjectFile('.', 'run')));
    const smoke =
      options.smoke === true ? await smokeOf(installation, given, options, output, interrupt.signal) : undefined;
    const loaded = smoke ?? given;
    const profile = smoke === undefined ? options.profile : undefined;
    const plan = await planRun(installation.client, loaded, {
      profile,
      from: options.from,
      secret: ownVariable,
      costs: installation,
      signal: interrupt.signal,
    });
    const before = await foreseeRun(installation, plan, interrupt.signal);
    if (options.check !== false) {
      const { estimate } = before;
      await checkFirst(installation, loaded, output, { profile, estimate, signal: interrupt.signal });
    }
    const note = capNote(await installation.platform.capabilities(installation.restUrl), installation.endKeySecret);
    output.note(planText(plan, note, { ...before, gone: options.gone }, installation.client.free));
    const yes = options.yes === true;
    await confirmLocalSteps(homeFolder(), plan, yes);
    if (plan.podSteps.length > 0) {
      await confirm(question(plan, installation.client.free), yes);
    }
    const result = await runJob(installation, plan, {
      onEvent: output.onEvent,
      signal: interrupt.signal,
      detach: options.detach,
      adopt: askAdopt(options.adopt, yes),
      gone: askGone(options.gone, plan, yes, output.onEvent),
      estimate: before.estimate,
    });
    const code = finish(output, result);
    // Asked for, so not an interruption.
    return options.detach === true && result.outcome === 'detached' ? exitCodes.succeeded : code;
  } finally {
    interrupt.stop();
  }
}

/** The estimate does without the upload when planning it takes longer: a volume that does not answer must not hold a run up. */
const planMs = 5_000;

interface Foreseen {
  /** Which steps will run again, and why. */
  foreseen: readonly StepForesight[];
  estimate?: Estimate;
  /** The pod that is there already and that it will use. */
  pod?: ForeseenPod | undefined;
  /** On the volume and not here any more, where the volume told in time. */
  ghosts?: readonly Ghost[];
}

/** What each step will do, what that will cost with the time that its pod waits for files, and what will make way. */
async function foreseeRun(installation: Installation, plan: RunPlan, signal: AbortSignal): Promise<Foreseen> {
  const { loaded, from, volume, podSteps } = plan;
  const there = volume.exists ? volume.volume : undefined;
  if (podSteps.length === 0) {
    return { foreseen: await foresee(installation, loaded, { from, volume: there, transfer: undefined, signal }) };
  }
  const soon = AbortSignal.any([signal, AbortSignal.timeout(planMs)]);
  const sync = await planSync(installation, loaded, { signal: soon }).catch(() => undefined);
  throwIfCancelled(signal);
  const foreseen = await foresee(installation, loaded, { from, volume: there, transfer: sync?.plan, signal });
  const waits = sync === undefined ? null : await uploadWait(loaded.root, sync.plan);
  const pod = await foreseePod(installation, plan, signal);
  const estimate = await estimateRun(installation, { ...plan, foreseen, pod }, waits);
  return { foreseen, estimate, pod, ghosts: sync?.plan.ghosts ?? [] };
}

/** The project as a smoke run tries it; says what it leaves out. */
async function smokeOf(
  { client }: Installation,
  given: LoadedProject,
  options: RunCommandOptions,
  output: Output,
  signal: AbortSignal,
): Promise<LoadedProject> {
  const project = applyProfile(given.project, options.profile);
  const { loaded, left } = await smokeProject(client, { ...given, project }, signal);
  const missing = left.length === 0 ? '' : ` Too large for it, so left out: ${left.join(', ')}.`;
  output.note(
    `Smoke run: each step gets a minute and RUNPOD_TRAINER_SMOKE=1, in a folder of its own on the volume.${missing}`,
  );
  return loaded;
}

/** Preflight before anything is paid for: what is wrong ends the run, what is doubtful is shown. */
async function checkFirst(
  installation: Installation,
  loaded: LoadedProject,
  output: Output,
  more: { profile: string | undefined; estimate: Estimate | undefined; signal: AbortSignal },
): Promise<void> {
  const report = await preflight(installation, loaded, {
    secret: ownVariable,
    ...more,
  });
  const serious = { ...report, findings: report.findings.filter((f) => f.severity !== 'info') };
  if (output.json) {
    output.result({ type: 'findings', findings: serious.findings }, '');
  } else if (serious.findings.length > 0) {
    output.note(reportText(serious, loaded, output));
  }
  const [first, ...others] = serious.findings.filter((f) => f.severity === 'error');
  if (first !== undefined) {
    const override = 'Nothing was rented; add --no-check to run all the same.';
    const { what, why, next, remedies } = first;
    throw others.length === 0
      ? new UserError('preflight', { what, why, next: `${next} ${override}`, remedies })
      : new UserError('preflight', { what: `${others.length + 1} things would make this run fail.`, next: override });
  }
}

/** What will happen, in a few lines, before it happens. */
function planText(
  plan: RunPlan,
  note: string | undefined,
  { foreseen, estimate, pod, ghosts = [], gone }: Foreseen & { gone: GoneAnswer | undefined },
  free: boolean,
): string {
  const { project } = plan.loaded;
  const volume = plan.volume.exists
    ? `${plan.volume.volume.name} (${plan.volume.volume.size} GB, ${plan.dataCenter})`
    : `${plan.volume.name}, to be created: ${plan.volume.size} GB in ${plan.dataCenter}, ${priced(`about ${pricePerMonth(volumeCostPerMonth(plan.volume.size), false)}`, free)}; it stays in that data center for good`;
  const machines = plan.candidates.map((c) => {
    const price = c.costPerHour === null ? '' : ` ${pricePerHour(c.costPerHour, false)}`;
    return `${c.label}${price}${c.stock === 'UNKNOWN' ? '' : ` (stock ${c.stock.toLowerCase()})`}`;
  });
  const caps = capTexts(project.caps);
  return [
    `Project   ${project.name}${plan.profile === undefined ? '' : ` (profile ${plan.profile})`}`,
    `Steps     ${project.steps.map((s) => `${s.name}${s.where === 'local' ? ' (here)' : ''}`).join(' → ')}`,
    ...foreseen.map((step) => `          ${step.name} ${foresightText(step)}`),
    ...(plan.podSteps.length === 0
      ? []
      : [`Volume    ${volume}`, `Machine   ${priced(machines.join(', else '), free)}`]),
    ...(pod === undefined ? [] : [`          ${printable(foreseenPodText(pod, free))}`]),
    ...ghostLines(ghosts, gone).map((line) => `Gone      ${printable(line)}`),
    ...(note === undefined || plan.podSteps.length === 0 ? [] : [`Note      ${note}`]),
    ...(estimate === undefined
      ? []
      : [`Cost      ${estimate.text}`, ...estimate.assumptions.map((a) => `          ${a}`)]),
    `Caps      ${caps.length === 0 ? 'none: the pod runs until the job ends' : caps.join(' and ')}; afterwards the pod is ${finishWord(plan)}`,
  ].join('\n');
}

function capTexts({
  hours,
  dollars: money,
  dollarsPerDay,
  hoursPerDay,
}: RunPlan['loaded']['project']['caps']): string[] {
  const some = (value: number | undefined, text: (value: number) => string): string[] =>
    value === undefined ? [] : [text(value)];
  return [
    ...some(hours, (h) => `${h} h`),
    ...some(money, dollars),
    ...some(dollarsPerDay, (m) => `${dollars(m)} a day`),
    ...some(hoursPerDay, (h) => `${h} h a day`),
  ];
}

function finishWord(plan: RunPlan): string {
  return { terminate: 'terminated', stop: 'stopped', keep: 'KEPT and goes on costing money' }[
    plan.loaded.project.onFinish.pod
  ];
}

function question(plan: RunPlan, free: boolean): string {
  const most =
    plan.mostDollars === null ? 'with no cap on its cost' : forPrice(`at most ${dollars(plan.mostDollars)}`, free);
  return `Start ${most}?`;
}
