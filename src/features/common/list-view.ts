import type * as vscode from 'vscode';
import { messageOf, UserError } from '../../core/errors.ts';
import type { ContextKey, ListContext, ViewId } from '../ids.ts';
import { setContext } from './context-keys.ts';
import { DisposableStore, type Disposable } from './disposables.ts';
import { clock } from '../../core/words/index.ts';
import type { ListState, PolledList } from './polled-list.ts';
import { RowTree, type TreeNode } from './row-tree.ts';

export type { TreeNode } from './row-tree.ts';

export interface ListViewOptions<T> {
  view: ViewId;
  stateKey: Extract<ContextKey, `${string}State`>;
  list: PolledList<T>;
  nodes: (items: T[]) => TreeNode[];
  /** Something beside the list that the rows depend on. */
  alsoOn?: (listener: () => void) => Disposable;
}

/** Which welcome text a view shows, if any. */
export function contextOf(state: ListState<unknown>): ListContext {
  if (state.items !== undefined && state.items.length > 0) {
    return 'listed';
  }
  // An old "nothing runs" must not be shown as if it were true now.
  if (state.error !== undefined) {
    return 'unreachable';
  }
  return state.items === undefined ? 'loading' : 'empty';
}

/**
 * The line above a list that says that it is old and why; undefined while it is fresh. A list without rows has a
 * welcome text instead, which such a line would hide.
 */
export function staleMessage(state: ListState<unknown>): string | undefined {
  if (state.error === undefined || contextOf(state) !== 'listed' || state.seen === undefined) {
    return undefined;
  }
  const why = state.error instanceof UserError ? (state.error.why ?? state.error.what) : messageOf(state.error);
  return `Last seen ${clock(state.seen)}. ${why}`;
}

/** A tree view over a polled list: fetches while visible, keeps the last good state and marks it as stale. */
export function createListView<T>(vs: typeof vscode, options: ListViewOptions<T>): Disposable {
  const { list, stateKey } = options;
  const store = new DisposableStore();
  const changed = store.add(new vs.EventEmitter<TreeNode | undefined>());
  const rows = new RowTree((row) => changed.fire(row));
  const redraw = (): void => rows.update(options.nodes(list.state.items ?? []));
  const provider: vscode.TreeDataProvider<TreeNode> = {
    onDidChangeTreeData: changed.event,
    getTreeItem: (node) => node.item,
    getChildren: (node) => rows.children(node),
  };
  const view = store.add(vs.window.createTreeView(options.view, { treeDataProvider: provider, showCollapseAll: true }));
  const show = (state: ListState<T>): void => {
    setContext(vs, stateKey, contextOf(state));
    // The types do not say so, but undefined is how a message is taken away.
    (view as { message: string | undefined }).message = staleMessage(state);
    redraw();
  };
  store.add(list.onDidChange(show));
  if (options.alsoOn !== undefined) {
    store.add(options.alsoOn(redraw));
  }
  store.add(view.onDidCollapseElement(({ element }) => rows.setOpen(element, false)));
  store.add(view.onDidExpandElement(({ element }) => rows.setOpen(element, true)));
  store.add(view.onDidChangeVisibility((event) => list.setVisible(event.visible)));
  show(list.state);
  list.setVisible(view.visible);
  return store;
}
