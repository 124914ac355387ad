import type * as vscode from 'vscode';

/**
 * Where a panel opens by itself: with the other panels, else in a group that the user does not work in, else in a new
 * group beside theirs. An empty window has room where it is.
 *
 * @param panels columns of the job panels that are open; undefined for one that is hidden
 */
export function columnBeside(
  vs: Pick<typeof vscode, 'ViewColumn' | 'window'>,
  panels: readonly (vscode.ViewColumn | undefined)[],
): vscode.ViewColumn {
  const { all, activeTabGroup: active } = vs.window.tabGroups;
  const known = panels.find((column) => column !== undefined);
  if (known !== undefined) {
    return known;
  }
  if (active.tabs.length === 0) {
    return active.viewColumn;
  }
  return all.find((group) => group !== active)?.viewColumn ?? vs.ViewColumn.Beside;
}
