import type * as vscode from 'vscode';
import { messageOf, UserError } from '../../core/errors.ts';
import { byteText } from '../../core/words/index.ts';
import type { VolumeEntry } from '../../core/volumes/browse/pod-tree.ts';
import { isPlainName, visibleName } from '../../core/volumes/browse/names.ts';
import type { TreeNode } from '../common/list-view.ts';
import { commands } from '../ids.ts';
import type { Listings } from './listings.ts';

/** A row that stands for a file or folder of a volume; commands take it, or anything else with these two fields. */
export interface FileNode extends TreeNode {
  volume: string;
  /** Relative to the volume, with `/`. */
  path: string;
}

/** What lies in a folder; a row with words where that cannot be told. */
export async function folderNodes(
  vs: typeof vscode,
  listings: Listings,
  volume: string,
  path: string,
): Promise<TreeNode[]> {
  const under = `${volume}/${path}`;
  try {
    const { entries, more } = await listings.of(volume, path);
    const rows = entries.map((entry) => entryNode(vs, listings, volume, path, entry));
    if (rows.length === 0) {
      return [noteNode(vs, under, 'info', 'Nothing is in this folder')];
    }
    return more === 0 ? rows : [...rows, noteNode(vs, under, 'ellipsis', `${more} more are not shown`)];
  } catch (error) {
    return failureNodes(vs, under, error);
  }
}

/** Why a folder cannot be shown, and a row for what helps. */
function failureNodes(vs: typeof vscode, under: string, error: unknown): TreeNode[] {
  const code = error instanceof UserError ? error.code : '';
  const needs = new Map([
    ['volume-closed', 'Needs a running pod'],
    ['volume-no-keys', 'Needs S3 keys or a running pod'],
  ]).get(code);
  const note = noteNode(vs, under, needs === undefined ? 'warning' : 'info', needs ?? messageOf(error));
  note.item.tooltip = messageOf(error);
  if (!['volume-no-keys', 's3-denied', 's3-keys'].includes(code)) {
    return [note];
  }
  const help = noteNode(vs, under, 'key', 'Set S3 Keys…');
  help.item.command = { command: commands.setS3Keys, title: 'Set S3 Keys…' };
  return [note, help];
}

function entryNode(
  vs: typeof vscode,
  listings: Listings,
  volume: string,
  parent: string,
  entry: VolumeEntry,
): TreeNode | FileNode {
  const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
  const { Collapsed, None } = vs.TreeItemCollapsibleState;
  const item = new vs.TreeItem(visibleName(entry.name), entry.kind === 'folder' ? Collapsed : None);
  item.id = `file:${volume}/${path}`;
  const lines = [visibleName(path)];
  if (entry.modified > 0) {
    lines.push(`changed ${new Date(entry.modified * 1000).toLocaleString()}`);
  }
  if (!isPlainName(entry.name)) {
    lines.push('Its name has characters that do not show; they are written out here, and it cannot be opened.');
  }
  switch (entry.kind) {
    case 'folder':
      item.iconPath = vs.ThemeIcon.Folder;
      item.tooltip = lines.join('\n');
      if (isPlainName(path)) {
        item.contextValue = 'volume-folder';
      }
      return { item, volume, path, children: () => folderNodes(vs, listings, volume, path) };
    case 'file':
      item.iconPath = vs.ThemeIcon.File;
      item.description = byteText(entry.size);
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
