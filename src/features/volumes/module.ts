import type * as vscode from 'vscode';
import { join } from 'node:path';
import type { Pod, Volume } from '../../core/runpod/schemas.ts';
import type { AccountModule } from '../account/module.ts';
import { sharedList } from '../account/shared-list.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, Emitter, type Disposable } from '../common/disposables.ts';
import { createListView, type TreeNode } from '../common/list-view.ts';
import { PolledList } from '../common/polled-list.ts';
import type { Settings } from '../common/settings.ts';
import { commands, views } from '../ids.ts';
import { Listings, type Listing } from './listings.ts';
import { volumeDocuments, volumeScheme } from './volume-documents.ts';
import { VolumeFiles } from './volume-files.ts';

export interface VolumesModule extends Disposable {
  volumes: PolledList<Volume>;
}

/** The Volumes view, down to files where S3 or a pod of ours leads to them. */
export function createVolumesModule(
  vs: typeof vscode,
  context: Pick<vscode.ExtensionContext, 'extensionPath'>,
  registry: CommandRegistry,
  { account, credentials, s3, records, installation }: AccountModule,
  settings: Settings,
  pods: PolledList<Pod>,
): VolumesModule {
  const store = new DisposableStore();
  const volumes = store.add(
    new PolledList<Volume>(
      (signal, maxAgeMs) => {
        if (maxAgeMs === 0) {
          // Somebody wants to see what is there now.
          listings.expire();
        }
        return sharedList<Volume>(
          {
            account,
            question: 'volumes',
            schema: async () => (await import('../../core/runpod/schemas.ts')).volumeSchema.array(),
            ask: (client, s) => client.volumes.list(s),
          },
          maxAgeMs,
          signal,
        );
      },
      () => settings.refreshMs,
    ),
  );
  const workerFile = join(context.extensionPath, 'dist', 'worker.pyz');
  const files = store.add(new VolumeFiles(pods, volumes, { installation, s3 }, workerFile));
  const changed = store.add(new Emitter<undefined>());
  const ask = (volume: string, path: string): Promise<Listing> => files.at(volume, (source) => source.list(path));
  const listings = new Listings(
    ask,
    () => changed.fire(undefined),
    () => settings.refreshMs,
  );
  const lookAgain = (): void => {
    listings.expire();
    changed.fire(undefined);
  };
  let known = files.reachable;
  store.add(
    pods.onDidChange(() => {
      if (files.reachable !== known) {
        known = files.reachable;
        lookAgain();
      }
    }),
  );
  store.add(credentials.onDidChange(lookAgain));
  store.add(
    createListView(vs, {
      view: views.volumes,
      stateKey: 'runpodTrainer.volumesState',
      list: volumes,
      nodes: (items) => volumeNodes(vs, items, listings),
      alsoOn: changed.event,
    }),
  );
  store.add(
    account.onDidChange(() => {
      listings.forget();
      volumes.restart(account.ready);
    }),
  );
  store.add(
    vs.workspace.registerFileSystemProvider(volumeScheme, volumeDocuments(vs, files), {
      isReadonly: true,
      isCaseSensitive: true,
    }),
  );
  const actions = () => import('./open-and-download.ts');
  store.add(registry.register(commands.openVolumeFile, async (target) => (await actions()).openVolumeFile(vs, target)));
  store.add(
    registry.register(commands.downloadVolumeFile, async (target) =>
      (await actions()).downloadVolumeFile(vs, files, target),
    ),
  );
  store.add(
    registry.register(commands.uploadVolumeFiles, async (target) => {
      const { uploadVolumeFiles } = await import('./upload-files.ts');
      await uploadVolumeFiles(vs, files, target).finally(lookAgain);
    }),
  );
  store.add(
    registry.register(commands.deleteVolumeFile, async (target) => {
      account.requireTrust();
      const { deleteVolumeFile } = await import('./delete-file.ts');
      return deleteVolumeFile({ vs, files, records }, target).finally(lookAgain);
    }),
  );
  store.add(
    registry.register(commands.createVolume, async (target) => {
      const { createVolume } = await import('./create-volume.ts');
      const refresh = (): void => void Promise.all([pods.refresh(), volumes.refresh()]);
      return createVolume({ vs, account, installation, refresh }, target);
    }),
  );
  store.add(
    registry.register(commands.growVolume, async (target) => {
      account.requireTrust();
      const { growVolume } = await import('./grow-volume.ts');
      return growVolume(vs, await account.client(), target).finally(() => volumes.refresh());
    }),
  );
  store.add(
    registry.register(commands.deleteVolume, async (target) => {
      account.requireTrust();
      const { deleteVolume } = await import('./delete-volume.ts');
      return deleteVolume(vs, await account.client(), target).finally(() => volumes.refresh());
    }),
  );
  return { volumes, dispose: () => store.dispose() };
}

function volumeNodes(vs: typeof vscode, volumes: Volume[], listings: Listings): TreeNode[] {
  const nodesOf = async (volume: string): Promise<TreeNode[]> => {
    const { folderNodes } = await import('./folder-nodes.ts');
    return folderNodes(vs, listings, volume, '');
  };
  return volumes.map((volume) => {
    const item = new vs.TreeItem(volume.name || volume.id, vs.TreeItemCollapsibleState.Collapsed);
    item.id = `volume:${volume.id}`;
    item.description = `${volume.dataCenter} · ${volume.size} GB`;
    item.tooltip = `${volume.name}\n${volume.size} GB in ${volume.dataCenter}; it stays in this data center for good.\nId ${volume.id}`;
    item.contextValue = 'volume';
    item.iconPath = new vs.ThemeIcon('database');
    return { item, id: volume.id, children: () => nodesOf(volume.id) };
  });
}
