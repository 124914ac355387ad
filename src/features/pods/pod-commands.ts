import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import type { HelperPod } from '../../core/journal/helpers.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import type { Account } from '../account/account.ts';
import { pricePerHour } from '../../core/words/index.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import type { PolledList } from '../common/polled-list.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { hardwareOf, labelOf, workOn } from './pod-nodes.ts';

interface PodVerb {
  action: 'stop' | 'terminate';
  button: string;
  doing: string;
  /** What will be lost and what will still cost. */
  consequence: (pod: Pod, free: boolean) => string;
}

const keeps = (pod: Pod): string =>
  pod.mounts.network.length > 0
    ? 'Its network volume and everything on it stay.'
    : 'It has no network volume: what is on it and nowhere else is lost.';

export const stopVerb: PodVerb = {
  action: 'stop',
  button: 'Stop Pod',
  doing: 'Stopping',
  consequence: (pod, free) =>
    `Its price: ${pricePerHour(pod.cost, free)} now and then only for its disk, if it has one. What is on the container disk is wiped, and the same GPU may be gone when it is started again. ${keeps(pod)}`,
};

export const terminateVerb: PodVerb = {
  action: 'terminate',
  button: 'Terminate Pod',
  doing: 'Terminating',
  consequence: (pod, free) =>
    `Its price: ${pricePerHour(pod.cost, free)} now and nothing afterwards. The pod and its container disk are gone for good. ${keeps(pod)}`,
};

/** Ends a pod after saying what that means. `target` is the tree row, or nothing from the palette. */
export async function endPod(
  vs: typeof vscode,
  account: Account,
  { pods, helpers }: { pods: PolledList<Pod>; helpers: () => readonly HelperPod[] },
  verb: PodVerb,
  target: unknown,
): Promise<void> {
  const isFree = (p: Pod): boolean => p.actions.includes(verb.action) && workOn(p, helpers()) === undefined;
  const choice = { title: verb.button, none: verb.action, fits: isFree };
  const pod = await choosePod(vs, account, pods, choice, target);
  if (pod === undefined) {
    return;
  }
  const name = labelOf(pod);
  const work = workOn(pod, helpers());
  if (work !== undefined) {
    throw new UserError('pod-at-work', {
      what: `The pod ${name} was not touched.`,
      why: `It is at work: ${work}.`,
      next: 'It ends itself when that is done. Cancel that where it was started to end it sooner.',
    });
  }
  const options = { modal: true, detail: verb.consequence(pod, account.free) };
  const chosen = await vs.window.showWarningMessage(
    `${verb.button} "${name}" (${hardwareOf(pod)})?`,
    options,
    verb.button,
  );
  if (chosen !== verb.button) {
    return;
  }
  const client = await account.client();
  const result = await withProgress(vs, { title: `${verb.doing} ${name}…`, where: 'window' }, async (signal) => {
    await (verb.action === 'stop' ? client.pods.action(pod.id, 'stop', signal) : client.pods.terminate(pod.id, signal));
  });
  // Also after a failure: it may have taken effect.
  void pods.refresh();
  valueOf(result);
}

interface PodChoice {
  title: string;
  /** Completes "There is no pod to …". */
  none: string;
  fits?: (pod: Pod) => boolean;
}

/** The pod of a row, else the one that the user picks; undefined when they gave up. */
export async function choosePod(
  vs: typeof vscode,
  account: Account,
  pods: PolledList<Pod>,
  { title, none, fits = () => true }: PodChoice,
  target: unknown,
): Promise<Pod | undefined> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  const known = pods.state.items?.find((pod) => pod.id === id);
  if (known !== undefined) {
    return known;
  }
  const client = await account.client();
  const listed = await withProgress(vs, { title: 'Listing pods…', where: 'window' }, (signal) =>
    client.pods.list(signal),
  );
  const able = valueOf(listed).filter((pod) => pod.status !== 'TERMINATED' && fits(pod));
  if (able.length === 0) {
    throw new NothingToDo(`There is no pod to ${none}.`);
  }
  const items = able.map((pod) => ({
    label: labelOf(pod),
    description: `${hardwareOf(pod)} · ${pricePerHour(pod.cost, account.free)}`,
    pod,
  }));
  return (await vs.window.showQuickPick(items, { title, placeHolder: 'Which pod?' }))?.pod;
}
