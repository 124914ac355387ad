import type * as vscode from 'vscode';
import type { Volume } from '../../core/runpod/schemas.ts';
import type { TreeNode } from '../common/list-view.ts';
import type { Listings } from './listings.ts';

export function volumeNodes(vs: typeof vscode, volumes: Volume[], listings: Listings): TreeNode[] {
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
