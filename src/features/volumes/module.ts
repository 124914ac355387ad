import type * as vscode from 'vscode';
import type { Volume } from '../../core/runpod/schemas.ts';
import type { Account } from '../account/account.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { createListView, type TreeNode } from '../common/list-view.ts';
import { PolledList } from '../common/polled-list.ts';
import type { Settings } from '../common/settings.ts';
import { views } from '../ids.ts';

export interface VolumesModule extends Disposable {
  volumes: PolledList<Volume>;
}

/** The Volumes view. */
export function createVolumesModule(vs: typeof vscode, account: Account, settings: Settings): VolumesModule {
  const store = new DisposableStore();
  const volumes = store.add(
    new PolledList<Volume>(
      (signal) => account.client().volumes.list(signal),
      () => settings.refreshMs,
    ),
  );
  store.add(
    createListView(vs, {
      view: views.volumes,
      stateKey: 'runpodTrainer.volumesState',
      list: volumes,
      nodes: (items) => volumeNodes(vs, items),
    }),
  );
  store.add(account.onDidChange(() => volumes.restart(account.ready)));
  return { volumes, dispose: () => store.dispose() };
}

export function volumeNodes(vs: typeof vscode, volumes: Volume[]): TreeNode[] {
  return volumes.map((volume) => {
    const item = new vs.TreeItem(volume.name || volume.id);
    item.id = `volume:${volume.id}`;
    item.description = `${volume.dataCenter} · ${volume.size} GB`;
    item.tooltip = `${volume.name}\n${volume.size} GB in ${volume.dataCenter}; it stays in this data center for good.\nId ${volume.id}`;
    item.contextValue = 'volume';
    item.iconPath = new vs.ThemeIcon('database');
    return { item, id: volume.id };
  });
}
