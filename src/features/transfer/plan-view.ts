import type * as vscode from 'vscode';
import { setContext } from '../common/context-keys.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { views } from '../ids.ts';
import { planNodes, type PlanNode, type PlanRows } from './plan-nodes.ts';
import { planMessage, planPlaces } from './plan-text.ts';

/** The view of the one plan that a window shows. */
export class PlanView implements Disposable {
  readonly #vs: typeof vscode;
  readonly #store = new DisposableStore();
  readonly #changed: vscode.EventEmitter<undefined>;
  readonly #view: vscode.TreeView<PlanNode>;
  #rows: PlanRows | undefined;

  /** @param onReplace told when the user decides about a file that changed on both sides */
  constructor(vs: typeof vscode, onReplace: (path: string, replace: boolean) => void) {
    this.#vs = vs;
    this.#changed = this.#store.add(new vs.EventEmitter<undefined>());
    const provider: vscode.TreeDataProvider<PlanNode> = {
      onDidChangeTreeData: this.#changed.event,
      getTreeItem: (node) => node.item,
      getChildren: (node) =>
        node === undefined ? (this.#rows === undefined ? [] : planNodes(vs, this.#rows)) : node.children?.(),
    };
    this.#view = this.#store.add(
      vs.window.createTreeView(views.transferPlan, { treeDataProvider: provider, showCollapseAll: false }),
    );
    this.#store.add(
      this.#view.onDidChangeCheckboxState(({ items }) => {
        for (const [{ path }, state] of items) {
          if (path !== undefined) {
            onReplace(path, state === vs.TreeItemCheckboxState.Checked);
          }
        }
      }),
    );
  }

  /** Shows a plan in place of what was there. */
  show(rows: PlanRows): void {
    this.#rows = rows;
    this.#view.message = planMessage(rows.plan, rows.replace);
    this.#view.description = planPlaces(rows.plan);
    setContext(this.#vs, 'runpodTrainer.plan', 'planned');
    this.#changed.fire(undefined);
  }

  /** Brings the view before the user's eyes. */
  async reveal(): Promise<void> {
    await this.#vs.commands.executeCommand(`${views.transferPlan}.focus`);
  }

  /** While a plan is carried out nothing about it can be changed. */
  setSyncing(syncing: boolean): void {
    setContext(this.#vs, 'runpodTrainer.plan', this.#rows === undefined ? 'none' : syncing ? 'syncing' : 'planned');
  }

  hide(): void {
    this.#rows = undefined;
    setContext(this.#vs, 'runpodTrainer.plan', 'none');
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#store.dispose();
  }
}
