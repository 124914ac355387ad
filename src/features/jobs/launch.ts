import type * as vscode from 'vscode';
import type { RunPlan } from '../../core/jobs/plan.ts';
import { commandText, trustDigest } from '../../core/project/local-steps.ts';
import type { Project } from '../../core/project/schema.ts';
import type { Memory } from '../account/account.ts';

const trustedKey = 'trustedLocalSteps';

/** Which profile to run; undefined when the user gave up. A project without profiles is not asked for. */
export async function chooseProfile(
  vs: typeof vscode,
  project: Project,
  title: string,
): Promise<{ profile?: string } | undefined> {
  const profiles = Object.entries(project.profiles);
  if (profiles.length === 0) {
    return {};
  }
  const items = [
    { label: 'As it is', description: 'no profile', choice: {} },
    ...profiles.map(([profile, { description }]) => ({ label: profile, detail: description, choice: { profile } })),
  ];
  const options = { title, placeHolder: 'Which profile?' };
  return (await vs.window.showQuickPick<(typeof items)[number] & vscode.QuickPickItem>(items, options))?.choice;
}

/** Commands of a project file that run on this machine are shown, and confirmed once per content. */
export async function confirmLocalSteps(vs: typeof vscode, memory: Memory, plan: RunPlan): Promise<boolean> {
  if (plan.localSteps.length === 0) {
    return true;
  }
  const { root } = plan.loaded;
  const digest = trustDigest(root, plan.localSteps, plan.loaded.project);
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
