import type * as vscode from 'vscode';
import { posix } from 'node:path';
import { byteText, count } from '../../core/words/index.ts';
import type { Conflict, TransferPlan } from '../../core/volumes/plan/index.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';
import type { TreeNode } from '../common/list-view.ts';

/** A row of the plan; commands of its menu take it. */
export interface PlanNode extends TreeNode {
  /** Of the project, with `/`; on rows that stand for a file. */
  path?: string;
}

/** Further rows of a group are counted, not shown. */
const mostRows = 500;
/** A group with more rows is closed at first. */
const mostOpen = 20;

export interface PlanRows {
  plan: TransferPlan;
  /** Address of a file of the project. */
  fileUri: (path: string) => vscode.Uri;
  /** Conflicts that the user decided to replace. */
  replace: ReadonlySet<string>;
  /** Whether files that the project does not have any more are deleted. */
  deletes: boolean;
}

interface Group<T> {
  label: string;
  icon: string;
  color?: string;
  items: readonly T[];
  row: (item: T) => PlanNode;
  description?: string;
  tooltip?: string;
}

/** The plan as a tree: what stops it first, then what is decided, then what happens. */
export function planNodes(vs: typeof vscode, { plan, fileUri, replace, deletes }: PlanRows): PlanNode[] {
  const nodes: PlanNode[] = [];
  const add = <T>(group: Group<T>): void => void nodes.push(groupNode(vs, group));
  const some = <T>(group: Group<T>): void => (group.items.length === 0 ? undefined : add(group));
  const row = (key: string, label: string, description: string, icon: string, color?: string): PlanNode => {
    const item = new vs.TreeItem(visibleName(label));
    item.id = `plan:${key}`;
    item.description = visibleName(description);
    item.tooltip = `${visibleName(label)}\n${visibleName(description)}`;
    item.iconPath = icon === '' ? vs.ThemeIcon.File : themeIcon(vs, icon, color);
    return { item };
  };
  const file = (group: string, path: string, description: string, icon: string, color?: string): PlanNode => {
    const node = row(`${group}:${path}`, path, description, icon, color);
    node.item.command = { command: 'vscode.open', title: 'Open', arguments: [fileUri(path)] };
    return { ...node, path };
  };

  some({
    label: 'Secrets',
    icon: 'error',
    color: 'testing.iconErrored',
    items: plan.secrets,
    description: 'stop the sync',
    tooltip: 'On the volume everybody with access to the account could read them.',
    row: ({ path, line, kind }) => {
      const node = file('secret', path, line === null ? kind : `line ${line} · ${kind}`, 'key', 'testing.iconErrored');
      node.item.id = `plan:secret:${path}:${line ?? ''}:${kind}`;
      node.item.contextValue = 'plan-secret';
      const at = new vs.Position((line ?? 1) - 1, 0);
      const options = { selection: new vs.Range(at, at), preview: true };
      node.item.command = { command: 'vscode.open', title: 'Open', arguments: [fileUri(path), options] };
      return node;
    },
  });
  some({
    label: 'Missing',
    icon: 'question',
    color: 'charts.yellow',
    items: plan.missing,
    row: ({ list, pattern, madeBy }) =>
      row(
        `missing:${list}:${pattern}`,
        pattern,
        madeBy === null ? `sync.${list}` : `made by the local step ${madeBy}`,
        'question',
      ),
  });
  some({
    label: 'Changed on Both Sides',
    icon: 'warning',
    color: 'charts.yellow',
    items: plan.conflicts,
    description: `replaces ${replace.size} of ${plan.conflicts.length}`,
    tooltip: 'Only the files with a check mark are sent; they replace what is on the volume.',
    row: (conflict) => conflictNode(vs, file('conflict', conflict.path, '', ''), conflict, replace.has(conflict.path)),
  });
  add({
    label: 'Sends',
    icon: 'cloud-upload',
    items: plan.send,
    description: sendsText(plan),
    row: ({ path, size, why }) => {
      const [word, icon, color] = {
        new: ['new', 'diff-added', 'charts.green'],
        changed: ['changed', 'diff-modified', 'charts.yellow'],
        unknown: ['may be there already', 'diff-added', 'charts.green'],
      }[why] as [string, string, string];
      return file('send', path, `${word} · ${byteText(size)}`, icon, color);
    },
  });
  add({
    label: 'Deletes',
    icon: 'trash',
    ...(plan.deletes.length > 0 && { color: 'charts.red' }),
    items: plan.deletes,
    description: deletes ? `${count(plan.deletes.length, 'file')} on the volume` : 'off',
    tooltip: deletes
      ? 'The sync put these files there, the project does not have them any more, and they are unchanged there.'
      : 'Files that the project does not have any more stay on the volume.',
    row: (path) => row(`delete:${path}`, path, 'on the volume', 'diff-removed', 'charts.red'),
  });
  some({
    label: 'Not Here Any More',
    icon: 'history',
    color: 'charts.yellow',
    items: plan.ghosts,
    tooltip:
      'The sync put these files there, and they are unchanged. A sync leaves them; a job does what each line says.',
    row: ({ path, size, then, why }) =>
      row(`ghost:${path}`, path, `${byteText(size)} · ${ghostWords[then]} · ${why}`, 'history', 'charts.yellow'),
  });
  some({
    label: 'Archives',
    icon: 'archive',
    items: plan.archives,
    ...(plan.wasteAvoided.bytes > 0 && {
      description: `save about ${byteText(plan.wasteAvoided.bytes)} (an estimate)`,
      tooltip: plan.wasteAvoided.basis,
    }),
    row: ({ to, files, bytes }) =>
      row(`archive:${to}`, to, `${count(files, 'file')} in ${byteText(bytes)}`, 'file-zip'),
  });
  some({ label: 'Left Out', icon: 'circle-slash', items: plan.ignored, row: (group) => ignoredNode(row, group) });
  some({ label: 'Notes', icon: 'info', items: plan.notes, row: (note) => row(`note:${note}`, note, '', 'info') });
  return nodes;
}

const ghostWords: Record<TransferPlan['ghosts'][number]['then'], string> = {
  'set-aside': 'a job sets it aside',
  ask: 'a job asks about it',
  keep: 'stays',
};

function sendsText({ send, totals, unchanged }: TransferPlan): string {
  const there = unchanged.files === 0 ? '' : `; ${unchanged.files} there already`;
  return send.length === 0 ? `nothing${there}` : `${count(totals.files, 'file')}, ${byteText(totals.bytes)}${there}`;
}

function groupNode<T>(vs: typeof vscode, group: Group<T>): PlanNode {
  const { items, row } = group;
  const { None, Expanded, Collapsed } = vs.TreeItemCollapsibleState;
  const quiet = group.label === 'Left Out' || group.label === 'Notes';
  const state = items.length === 0 ? None : items.length > mostOpen || quiet ? Collapsed : Expanded;
  const item = new vs.TreeItem(group.label, state);
  item.id = `plan:group:${group.label}`;
  item.description = group.description ?? String(items.length);
  item.tooltip = group.tooltip ?? group.label;
  item.iconPath = themeIcon(vs, group.icon, group.color);
  return { item, children: () => [...items.slice(0, mostRows).map(row), ...moreNodes(vs, group.label, items.length)] };
}

function moreNodes(vs: typeof vscode, label: string, total: number): PlanNode[] {
  if (total <= mostRows) {
    return [];
  }
  const item = new vs.TreeItem(`${total - mostRows} more`);
  item.id = `plan:more:${label}`;
  item.iconPath = new vs.ThemeIcon('ellipsis');
  return [{ item }];
}

function conflictNode(vs: typeof vscode, node: PlanNode, conflict: Conflict, replaced: boolean): PlanNode {
  const { item } = node;
  const { here, there, why } = conflict;
  item.description = replaced
    ? `replaces ${byteText(there.size)} there`
    : `stays: here ${byteText(here.size)}, there ${byteText(there.size)}`;
  item.tooltip = `${visibleName(conflict.path)}\n${why}\nHere ${new Date(here.mtime).toLocaleString()}, there ${new Date(there.mtime).toLocaleString()}`;
  item.checkboxState = {
    state: replaced ? vs.TreeItemCheckboxState.Checked : vs.TreeItemCheckboxState.Unchecked,
    tooltip: replaced ? 'Keep the file on the volume' : 'Replace the file on the volume',
    accessibilityInformation: { label: `Replace ${visibleName(conflict.path)} on the volume` },
  };
  return node;
}

function ignoredNode(
  row: (key: string, label: string, description: string, icon: string) => PlanNode,
  { rule, from, line, files, folders, examples }: TransferPlan['ignored'][number],
): PlanNode {
  const source = { always: 'always left out', project: 'sync.never' }[from] ?? `${from}:${line ?? 0}`;
  const what = [...(folders > 0 ? [count(folders, 'folder')] : []), ...(files > 0 ? [count(files, 'file')] : [])].join(
    ', ',
  );
  const node = row(`ignored:${source}:${rule}`, rule, `${what} · ${source}`, 'circle-slash');
  node.item.tooltip = `${what}, by ${posix.basename(source)}\n${examples.map(visibleName).join('\n')}`;
  return node;
}

function themeIcon(vs: typeof vscode, icon: string, color?: string): vscode.ThemeIcon {
  return new vs.ThemeIcon(icon, color === undefined ? undefined : new vs.ThemeColor(color));
}
