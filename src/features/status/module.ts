import type * as vscode from 'vscode';
import type { Account } from '../account/account.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Pace, PolledList } from '../common/polled-list.ts';
import type { Settings } from '../common/settings.ts';
import type { JobSummary } from '../jobs/history.ts';
import { commands } from '../ids.ts';
import type { PodsModule } from '../pods/module.ts';
import { showRunning } from './running-menu.ts';
import { runningNow, runningStatus } from './running-status.ts';

/** While nothing is known to run, one window of this machine looks this often whether something does all the same, in ms. */
export const idleMs = 300_000;

/**
 * The status bar entry that says what runs and costs, in any folder. It lives on the lists of the views; while no view is
 * visible, the list of pods is asked slowly, and more so while nothing runs. Windows share what one of them was told.
 */
export function createStatusModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  account: Account,
  settings: Settings,
  { pods, helpers }: Pick<PodsModule, 'pods' | 'helpers'>,
  jobs: PolledList<JobSummary>,
): Disposable {
  const store = new DisposableStore();
  const item = store.add(vs.window.createStatusBarItem('runpodTrainer.running', vs.StatusBarAlignment.Left, 11));
  item.name = 'RunPod: What Runs and Costs';
  item.command = commands.showRunning;

  const busy: Pace = { everyMs: () => settings.backgroundMs };
  /** What another window was told is read as soon as while something runs. */
  const idle: Pace = { everyMs: () => settings.backgroundMs, maxAgeMs: () => Math.max(idleMs, settings.backgroundMs) };
  const ours = (): JobSummary[] => (jobs.state.items ?? []).filter((job) => job.restUrl === account.restUrl);
  const update = (): void => {
    const status = account.ready
      ? runningStatus({ pods: pods.state, jobs: ours(), helpers: helpers() }, account.free)
      : undefined;
    const running = runningNow(pods.state.items ?? [], ours(), helpers(), new Date());
    const runs = account.ready && running.pods.length + running.jobs.length > 0;
    pods.setBackground(runs ? busy : account.ready ? idle : undefined);
    jobs.setBackground(runs ? busy : undefined);
    if (status === undefined) {
      item.hide();
      return;
    }
    item.text = status.text;
    item.tooltip = status.tooltip;
    item.accessibilityInformation = { label: `RunPod: ${status.text.replace(/\$\([\w-]+\) /, '')}`, role: 'button' };
    item.backgroundColor = status.warning ? new vs.ThemeColor('statusBarItem.warningBackground') : undefined;
    item.show();
  };
  store.add(pods.onDidChange(update));
  store.add(jobs.onDidChange(update));
  store.add(
    account.onDidChange(() => {
      void jobs.refresh();
      void pods.ensure(settings.backgroundMs);
    }),
  );
  store.add(
    registry.register(commands.showRunning, async () => {
      await account.client();
      await pods.refresh();
      await showRunning(vs, runningNow(pods.state.items ?? [], ours(), helpers(), new Date()), account.free);
    }),
  );
  return store;
}
