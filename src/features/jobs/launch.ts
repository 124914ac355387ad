import type * as vscode from 'vscode';
import { createHash } from 'node:crypto';
import { dollars } from '../../core/costs/meter.ts';
import type { RunPlan } from '../../core/jobs/plan.ts';
import { volumeCostPerMonth } from '../../core/pods/volume.ts';
import type { Project, Step } from '../../core/project/schema.ts';
import type { Memory } from '../account/account.ts';
import { pricePerHour } from '../../core/format.ts';

const trustedKey = 'trustedLocalSteps';

/** Which profile to run; undefined when the user gave up. A project without profiles is not asked for. */
export async function chooseProfile(vs: typeof vscode, project: Project): Promise<{ profile?: string } | undefined> {
  const profiles = Object.entries(project.profiles);
  if (profiles.length === 0) {
    return {};
  }
  const items = [
    { label: 'As it is', description: 'no profile', choice: {} },
    ...profiles.map(([profile, { description }]) => ({ label: profile, detail: description, choice: { profile } })),
  ];
  const options = { title: 'Run Pipeline', placeHolder: 'Which profile?' };
  return (await vs.window.showQuickPick<(typeof items)[number] & vscode.QuickPickItem>(items, options))?.choice;
}

/** Commands of a project file that run on this machine are shown, and confirmed once per content. */
export async function confirmLocalSteps(vs: typeof vscode, memory: Memory, plan: RunPlan): Promise<boolean> {
  if (plan.localSteps.length === 0) {
    return true;
  }
  const { root } = plan.loaded;
  const digest = createHash('sha256')
    .update(JSON.stringify([root, plan.localSteps, plan.loaded.project.env]))
    .digest('hex');
  const stored = memory.get(trustedKey);
  const trusted = Array.isArray(stored) ? stored.filter((d) => typeof d === 'string') : [];
  if (trusted.includes(digest)) {
    return true;
  }
  const button = 'Run Them Here';
  const detail = plan.localSteps.map((step) => `${step.name}: ${commandText(step)}`).join('\n');
  const question = 'These steps of the project file run on this machine. Run them?';
  if ((await vs.window.showWarningMessage(question, { modal: true, detail }, button)) !== button) {
    return false;
  }
  await memory.update(trustedKey, [...trusted.slice(-199), digest]);
  return true;
}

/** What will happen and what it may cost, then one button. */
export async function confirmLaunch(vs: typeof vscode, plan: RunPlan, note?: string): Promise<boolean> {
  if (plan.podSteps.length === 0) {
    return true;
  }
  const button = plan.mostDollars === null ? 'Start Without a Cap' : `Start for at Most ${dollars(plan.mostDollars)}`;
  const question = `Run ${plan.loaded.project.name} on a pod?`;
  return (
    (await vs.window.showInformationMessage(question, { modal: true, detail: launchText(plan, note) }, button)) ===
    button
  );
}

const endings = { terminate: 'is terminated', stop: 'is stopped', keep: 'is KEPT and goes on costing money' };

/** The plan in a few lines; `note` says who holds the cap when that is known to be only this computer. */
export function launchText(plan: RunPlan, note?: string): string {
  const { project } = plan.loaded;
  const here = plan.localSteps.map((step) => step.name);
  const volume = plan.volume.exists
    ? `${plan.volume.volume.name}, ${plan.volume.volume.size} GB in ${plan.dataCenter}`
    : `${plan.volume.name} will be created: ${plan.volume.size} GB in ${plan.dataCenter} for good, about ${dollars(volumeCostPerMonth(plan.volume.size))} a month`;
  const pods = plan.candidates.map(
    (c) => `${c.label} ${pricePerHour(c.costPerHour)}${c.stock === 'NONE' ? ' (none free now)' : ''}`,
  );
  const { hours, dollars: money } = project.caps;
  const caps = [...(hours === undefined ? [] : [`${hours} h`]), ...(money === undefined ? [] : [dollars(money)])];
  return [
    ...(plan.profile === undefined ? [] : [`Profile: ${plan.profile}`]),
    ...(here.length === 0 ? [] : [`Here first: ${here.join(', ')}`]),
    `On the pod: ${plan.podSteps.map((step) => step.name).join(', ')}`,
    `Volume: ${volume}`,
    `Pod: the first that is free of ${pods.join(', ')}`,
    `Cap: ${caps.length === 0 ? 'none, the pod runs until the job ends' : caps.join(' and ')}`,
    ...(note === undefined ? [] : [`${note}.`]),
    `At the end the pod ${endings[project.onFinish.pod]}; the volume keeps everything.`,
  ].join('\n');
}

function commandText(step: Step): string {
  const command =
    step.module === undefined ? (step.script ?? step.notebook ?? step.shell ?? '') : `python -m ${step.module}`;
  return [command, ...(step.args ?? [])].join(' ');
}
