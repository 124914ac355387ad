import type * as vscode from 'vscode';
import { messageOf } from '../../core/errors.ts';
import { listFolder, megabytes, type VolumeEntry } from '../../core/volumes/browse.ts';
import { isPlainName, visibleName } from '../../core/volumes/names.ts';
import type { TreeNode } from '../common/list-view.ts';
import { commands } from '../ids.ts';
import { noPodText, type VolumeFiles } from './volume-files.ts';

/** A row that stands for a file of a volume; commands take it, or anything else with these two fields. */
export interface FileNode extends TreeNode {
  volume: string;
  /** Relative to the volume, with `/`. */
  path: string;
}

/** What lies in a folder; a row with words where that cannot be told. */
export async function folderNodes(
  vs: typeof vscode,
  files: VolumeFiles,
  volume: string,
  path: string,
): Promise<TreeNode[]> {
  const under = `${volume}/${path}`;
  if ((await files.podFor(volume).catch(() => undefined)) === undefined) {
    return [noteNode(vs, under, 'info', noPodText)];
  }
  try {
    const { entries, more } = await files.at(volume, path, (connection, place) => listFolder(connection, place));
    const rows = entries.map((entry) => entryNode(vs, files, volume, path, entry));
    if (rows.length === 0) {
      return [noteNode(vs, under, 'info', 'Nothing is in this folder')];
    }
    return more === 0 ? rows : [...rows, noteNode(vs, under, 'ellipsis', `${more} more are not shown`)];
  } catch (error) {
    return [noteNode(vs, under, 'warning', messageOf(error))];
  }
}

function entryNode(
  vs: typeof vscode,
  files: VolumeFiles,
  volume: string,
  parent: string,
  entry: VolumeEntry,
): TreeNode | FileNode {
  const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
  const { Collapsed, None } = vs.TreeItemCollapsibleState;
  const item = new vs.TreeItem(visibleName(entry.name), entry.kind === 'folder' ? Collapsed : None);
  item.id = `file:${volume}/${path}`;
  const lines = [visibleName(path), `changed ${new Date(entry.modified * 1000).toLocaleString()}`];
  if (!isPlainName(entry.name)) {
    lines.push('Its name has characters that do not show; they are written out here, and it cannot be opened.');
  }
  switch (entry.kind) {
    case 'folder':
      item.iconPath = vs.ThemeIcon.Folder;
      item.tooltip = lines.join('\n');
      return { item, children: () => folderNodes(vs, files, volume, path) };
    case 'file':
      item.iconPath = vs.ThemeIcon.File;
      item.description = sizeText(entry.size);
      item.tooltip = lines.join('\n');
      if (isPlainName(path)) {
        item.contextValue = 'volume-file';
        item.command = { command: commands.openVolumeFile, title: 'Open', arguments: [{ volume, path }] };
      }
      return { item, volume, path };
    case 'link':
      item.iconPath = new vs.ThemeIcon('file-symlink-file');
      item.description = `link to ${visibleName(entry.target ?? '?')}`;
      item.tooltip = [...lines, 'Links are shown, not followed.'].join('\n');
      return { item };
    case 'other':
      item.iconPath = new vs.ThemeIcon('question');
      item.description = 'neither a file nor a folder';
      return { item };
  }
}

function noteNode(vs: typeof vscode, under: string, icon: string, text: string): TreeNode {
  const item = new vs.TreeItem(text);
  item.id = `note:${under}:${icon}`;
  item.tooltip = text;
  item.iconPath = new vs.ThemeIcon(icon);
  return { item };
}

function sizeText(bytes: number): string {
  if (bytes < 1000) {
    return `${bytes} bytes`;
  }
  return bytes < 1e6
    ? `${Math.round(bytes / 1000)} kB`
    : bytes < 1e9
      ? megabytes(bytes)
      : `${(bytes / 1e9).toFixed(1)} GB`;
}
