import type * as vscode from 'vscode';
import * as z from 'zod';
import { messageOf, UserError } from '../../core/errors.ts';
import { pricePerHour } from '../../core/words/index.ts';
import type { Installation } from '../../core/home/installation.ts';
import { volumeCostPerMonth } from '../../core/pods/volume.ts';
import { planMove, runMove, type MovePlan, type MoveRequest, type MoveResult } from '../../core/volumes/move/move.ts';
import type { Account } from '../account/account.ts';
import { valueOf, withProgress, type ProgressResult } from '../common/progress.ts';
import { setProjectValue } from '../projectfile/edit.ts';
import { commands } from '../ids.ts';
import { projectsOnVolume } from '../projectfile/projects-on-volume.ts';
import { syncProgress } from '../transfer/sync-progress.ts';
import { movedText, moveButton, planText, wayNames } from './move-text.ts';
import { chooseDataCenter, chooseVolume } from './choose-target.ts';

export interface MoveContext {
  vs: typeof vscode;
  account: Account;
  installation: () => Promise<Installation>;
  /** Volumes may have changed. */
  refresh: () => void;
  /** Ids of the volumes that this window moves. */
  moving: Set<string>;
}

/** A volume's row, or another command that knows its id. */
const wishSchema = z.object({ id: z.string() });

type Project = Awaited<ReturnType<typeof projectsOnVolume>>[number];

/**
 * Asks where a volume shall go, says what that does and costs, and moves it. The old volume stays. Answers what was
 * moved; undefined when the user gave up.
 */
export async function moveVolume(context: MoveContext, target: unknown): Promise<MoveResult | undefined> {
  const { vs, account, installation, moving, refresh } = context;
  account.requireTrust();
  const here = await installation();
  const volumes = await here.client.volumes.list();
  const volume = await chooseVolume(vs, volumes, wishSchema.safeParse(target).data?.id);
  if (volume === undefined) {
    return undefined;
  }
  if (moving.has(volume.id)) {
    throw new UserError('move-running', {
      what: `${volume.name} is being moved by this window.`,
      next: 'Wait until that has ended, or cancel it in its message.',
    });
  }
  const projects = await projectsOnVolume(vs, volume);
  const to = await chooseDataCenter(vs, here, volume, volumes, projects[0]?.loaded.project.target);
  const plan = to === undefined ? undefined : await choosePlan(vs, here, { volume: volume.id, to });
  if (plan === undefined || !(await agreed(vs, plan))) {
    return undefined;
  }
  moving.add(volume.id);
  try {
    const ended = await carryOut(vs, here, plan);
    if (ended.status === 'cancelled') {
      await sayCancelled(context, here, plan);
      return undefined;
    }
    const result = valueOf(ended);
    if (result !== undefined) {
      void offerEdit(vs, plan, result, volumeCostPerMonth(volume.size), projects).catch((error: unknown) => {
        void vs.window.showErrorMessage(messageOf(error));
      });
    }
    return result;
  } finally {
    moving.delete(volume.id);
    refresh();
  }
}

/** What the move would do; asks for the way where several are possible. */
async function choosePlan(vs: typeof vscode, here: Installation, request: MoveRequest): Promise<MovePlan | undefined> {
  const make = async (more: Partial<MoveRequest>): Promise<MovePlan> =>
    valueOf(
      await withProgress(vs, { title: 'Looking how it can be moved…', where: 'window' }, (signal) =>
        planMove(here, { ...request, ...more, signal }),
      ),
    );
  const plan = await make({});
  const ways = plan.ways.filter((way) => way.possible);
  if (ways.length === 1) {
    return plan;
  }
  const items = ways.map(({ way, why }) => ({
    label: wayNames[way],
    description: [priceText(way, plan), ...(way === plan.way ? ['recommended'] : [])].join(' · '),
    detail: why,
    way,
  }));
  const { source, target } = plan;
  const placeHolder = `Which way shall ${source.name} go from ${source.dataCenter} to ${target.dataCenter}?`;
  const chosen = await vs.window.showQuickPick(items, { title: 'Move Volume', placeHolder });
  // The recommended way may still give way to another one; one that was asked for does not.
  return chosen === undefined || chosen.way === plan.way ? chosen && plan : make({ way: chosen.way });
}

function priceText(way: MovePlan['way'], { pods, free }: MovePlan): string {
  return way === 's3' ? 'no pod' : pods.map((pod) => pricePerHour(pod.costPerHour, free)).join(' and ');
}

async function agreed(vs: typeof vscode, plan: MovePlan): Promise<boolean> {
  const { source, target } = plan;
  const button = moveButton(plan);
  const question = `Move ${source.name} from ${source.dataCenter} to ${target.dataCenter}?`;
  return (await vs.window.showWarningMessage(question, { modal: true, detail: planText(plan) }, button)) === button;
}

/** Moves; asks before it replaces what somebody else wrote at the target. */
async function carryOut(
  vs: typeof vscode,
  here: Installation,
  plan: MovePlan,
): Promise<ProgressResult<MoveResult | undefined>> {
  const { source, target } = plan;
  const title = `Moving ${source.name} to ${target.dataCenter}`;
  const run = (replace: boolean): Promise<ProgressResult<MoveResult | undefined>> =>
    withProgress(vs, { title }, (signal, report) =>
      runMove(here, plan, { confirm: () => Promise.resolve(true), replace, onEvent: syncProgress(report), signal }),
    );
  const ended = await run(false);
  const conflict = ended.status === 'error' && ended.error instanceof UserError ? ended.error : undefined;
  if (conflict?.code !== 'move-conflicts') {
    return ended;
  }
  const button = 'Replace and Move';
  const question = `Replace files of ${target.name} in ${target.dataCenter}?`;
  const chosen = await vs.window.showWarningMessage(question, { modal: true, detail: conflict.message }, button);
  return chosen === button ? run(true) : { status: 'ok', value: undefined };
}

/** What a cancelled move leaves, which may cost money. */
async function sayCancelled({ vs }: MoveContext, here: Installation, { source, target }: MovePlan): Promise<void> {
  const made = (await here.client.volumes.list()).find(
    ({ name, dataCenter }) => name === target.name && dataCenter === target.dataCenter,
  );
  const again = 'Go On…';
  const text =
    made === undefined
      ? `The move of ${source.name} was cancelled before anything was created.`
      : `The move of ${source.name} was cancelled. What arrived stays on ${made.name} in ${made.dataCenter}, which costs money until you delete it; a move there goes on from here.`;
  void vs.window.showWarningMessage(text, again).then((chosen) => {
    return chosen === again ? vs.commands.executeCommand(commands.moveVolume, { id: source.id }) : undefined;
  });
}

/** Says what was moved, and offers to name the new volume in the project files that named the old one. */
async function offerEdit(
  vs: typeof vscode,
  plan: MovePlan,
  result: MoveResult,
  monthOfSource: number,
  projects: Project[],
): Promise<void> {
  const text = movedText(plan, monthOfSource, result);
  const button = projects.length === 1 ? 'Change Project File' : `Change ${projects.length} Project Files`;
  const buttons = projects.length === 0 ? [] : [button];
  const shown =
    result.left.length === 0
      ? vs.window.showInformationMessage(text, ...buttons)
      : vs.window.showWarningMessage(text, ...buttons);
  if ((await shown) !== button) {
    return;
  }
  const { name, dataCenter } = result.target;
  for (const { uri } of projects) {
    await setProjectValue(vs, uri, ['target', 'volume', 'name'], name);
    await setProjectValue(vs, uri, ['target', 'volume', 'dataCenter'], dataCenter);
  }
  const [first] = projects;
  if (first !== undefined) {
    await vs.window.showTextDocument(first.uri);
  }
  const files = projects.map(({ description }) => description).join(', ');
  vs.window.setStatusBarMessage(`$(check) ${files}: the volume is ${name} in ${dataCenter}`, 10_000);
}
