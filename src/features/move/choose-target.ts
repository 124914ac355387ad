import type * as vscode from 'vscode';
import { advise, type AdviceRequest } from '../../core/guards/advisor/index.ts';
import { pricePerMonth } from '../../core/words/index.ts';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import { volumeCostPerMonth } from '../../core/pods/volume.ts';
import type { Project } from '../../core/project/schema.ts';
import type { Volume } from '../../core/runpod/schemas.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import { valueOf, withProgress } from '../common/progress.ts';

const title = 'Move Volume';

/** The volume that is meant: that of the row, or the one that the user picks. */
export async function chooseVolume(
  vs: typeof vscode,
  volumes: readonly Volume[],
  id: string | undefined,
): Promise<Volume | undefined> {
  if (id !== undefined) {
    const found = volumes.find((volume) => volume.id === id);
    if (found === undefined) {
      throw new UserError('volume-missing', {
        what: 'The volume is not in this account any more.',
        next: 'Refresh the Volumes view.',
      });
    }
    return found;
  }
  if (volumes.length === 0) {
    throw new NothingToDo('There is no volume in this account.');
  }
  const items = volumes.map((volume) => ({
    label: volume.name,
    description: `${volume.dataCenter} · ${volume.size} GB`,
    volume,
  }));
  return (await vs.window.showQuickPick(items, { title, placeHolder: 'Which volume?' }))?.volume;
}

/** The data center that the user picks, the advisor's best first, with the reason; undefined when they gave up. */
export async function chooseDataCenter(
  vs: typeof vscode,
  here: Installation,
  volume: Volume,
  volumes: readonly Volume[],
  target: Project['target'] | undefined,
): Promise<string | undefined> {
  const request: AdviceRequest = {
    gpus: target?.gpus,
    gpuCount: target?.gpuCount,
    minCuda: target?.minCuda,
    cpu: target?.cpu,
    dataBytes: 0,
    volume,
  };
  const advice = valueOf(
    await withProgress(vs, { title: 'Reading the data centers…', where: 'window' }, (signal) =>
      advise(here, request, signal),
    ),
  );
  const month = pricePerMonth(volumeCostPerMonth(volume.size), here.client.free);
  const namesake = (dataCenter: string): Volume | undefined =>
    volumes.find((v) => v.name === volume.name && v.dataCenter === dataCenter);
  const items = advice.rows
    .filter(({ dataCenter }) => dataCenter !== volume.dataCenter)
    .filter(({ dataCenter, canCreateVolume }) => canCreateVolume || namesake(dataCenter) !== undefined)
    .map(({ dataCenter, name, reason }, index) => {
      const there = namesake(dataCenter);
      const cost = there === undefined ? month : `to the volume ${there.name} with ${there.size} GB that is there`;
      const first = index === 0 ? ['recommended'] : [];
      return { label: dataCenter, description: [name, cost, ...first].join(' · '), detail: reason };
    });
  if (items.length === 0) {
    throw new UserError('data-center-closed', {
      what: 'No volume can be created in another data center today.',
      next: 'Try again later; nothing was moved.',
    });
  }
  const placeHolder = `Where shall ${volume.name} go from ${volume.dataCenter}? It stays in its new place for good.`;
  return (await vs.window.showQuickPick(items, { title, placeHolder, matchOnDetail: true }))?.label;
}
