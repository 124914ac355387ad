import { dollars } from '../core/costs/meter.ts';
import { homeFolder } from '../core/installation.ts';
import { planRun, type RunPlan } from '../core/jobs/plan.ts';
import { runJob } from '../core/jobs/run.ts';
import { capNote } from '../core/platform/index.ts';
import { volumeCostPerMonth } from '../core/pods/volume.ts';
import { loadProject } from '../core/project/load.ts';
import { confirm, confirmLocalSteps } from './ask.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { finish, makeOutput, onInterrupt } from './output.ts';
import { onlyProjectFile } from './project-file.ts';

export interface RunCommandOptions extends GlobalOptions {
  profile?: string;
  from?: string;
  yes?: boolean;
  detach?: boolean;
  json?: boolean;
}

export async function runCommand(file: string | undefined, options: RunCommandOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const loaded = await loadProject(file ?? (await onlyProjectFile('.', 'run')));
  const output = makeOutput(options.json === true);
  const interrupt = onInterrupt();
  try {
    const plan = await planRun(installation.client, loaded, {
      profile: options.profile,
      from: options.from,
      secret: (name) => process.env[name],
      signal: interrupt.signal,
    });
    const note = capNote(await installation.platform.capabilities(installation.restUrl));
    output.note(planText(plan, note));
    const yes = options.yes === true;
    await confirmLocalSteps(homeFolder(), loaded.root, plan.localSteps, yes);
    if (plan.podSteps.length > 0) {
      await confirm(question(plan), yes);
    }
    const result = await runJob(installation, plan, {
      onEvent: output.onEvent,
      signal: interrupt.signal,
      detach: options.detach,
    });
    const code = finish(output, result);
    // Asked for, so not an interruption.
    return options.detach === true && result.outcome === 'detached' ? exitCodes.succeeded : code;
  } finally {
    interrupt.stop();
  }
}

/** What will happen, in a few lines, before it happens. */
function planText(plan: RunPlan, note: string | undefined): string {
  const { project } = plan.loaded;
  const volume = plan.volume.exists
    ? `${plan.volume.volume.name} (${plan.volume.volume.size} GB, ${plan.dataCenter})`
    : `${plan.volume.name}, to be created: ${plan.volume.size} GB in ${plan.dataCenter}, about $${volumeCostPerMonth(plan.volume.size).toFixed(2)} a month; it stays in that data center for good`;
  const machines = plan.candidates.map((c) => {
    const price = c.costPerHour === null ? '' : ` $${c.costPerHour.toFixed(2)}/h`;
    return `${c.label}${price}${c.stock === 'UNKNOWN' ? '' : ` (stock ${c.stock.toLowerCase()})`}`;
  });
  const { hours, dollars: money } = project.caps;
  const caps = [hours === undefined ? [] : [`${hours} h`], money === undefined ? [] : [`$${money.toFixed(2)}`]].flat();
  return [
    `Project   ${project.name}${plan.profile === undefined ? '' : ` (profile ${plan.profile})`}`,
    `Steps     ${project.steps.map((s) => `${s.name}${s.where === 'local' ? ' (here)' : ''}`).join(' → ')}`,
    ...(plan.podSteps.length === 0 ? [] : [`Volume    ${volume}`, `Machine   ${machines.join(', else ')}`]),
    ...(note === undefined || plan.podSteps.length === 0 ? [] : [`Note      ${note}`]),
    `Caps      ${caps.length === 0 ? 'none: the pod runs until the job ends' : caps.join(' and ')}; afterwards the pod is ${finishWord(plan)}`,
  ].join('\n');
}

function finishWord(plan: RunPlan): string {
  return { terminate: 'terminated', stop: 'stopped', keep: 'KEPT and goes on costing money' }[
    plan.loaded.project.onFinish.pod
  ];
}

function question(plan: RunPlan): string {
  const most = plan.mostDollars === null ? 'with no cap on its cost' : `for at most ${dollars(plan.mostDollars)}`;
  return `Start ${most}?`;
}
