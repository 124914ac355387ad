import type * as vscode from 'vscode';
import type { Pod } from '../../core/runpod/schemas.ts';
import type { OpenRecords } from '../account/installation.ts';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { setContext } from '../common/context-keys.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import { lazy } from '../common/lazy.ts';
import { createListView } from '../common/list-view.ts';
import { PolledList } from '../common/polled-list.ts';
import type { Settings } from '../common/settings.ts';
import { commands, views } from '../ids.ts';
import type { PodsModule } from '../pods/module.ts';
import type { JobHistory, JobSummary } from './history.ts';
import type { Launch, RunContext, RunRequest, ShownRun } from './run-job.ts';
import { jobNodes } from './job-nodes.ts';
import { AttachedJobs } from './attached-jobs.ts';
import { jobsToReattach } from './reattach.ts';

/** A local read, so it may be more frequent than calls to RunPod. */
const refreshMs = 2000;

export interface JobsModule extends Disposable {
  jobs: PolledList<JobSummary>;
  live: AttachedJobs;
  /** Starts a run; answers whether it was started. */
  start(request: RunRequest, shown?: ShownRun): Promise<boolean>;
  /** How a run is shown and asked about before it starts. */
  launchWith(launch: Launch): void;
  /** What has to be shown from local copies before this window attaches itself: attaching loads much and is slow. */
  attachAfter(shown: Promise<unknown>): void;
}

/** Running pipelines, and the Jobs view. The view needs no account: what this machine knows is shown in any case. */
export function createJobsModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  failures: Failures,
  { account, credentials, records, installation, ownMemory }: AccountModule,
  settings: Pick<Settings, 'longJobMs'>,
  { pods, askedHere }: Pick<PodsModule, 'pods' | 'askedHere'>,
  refreshPods: () => void,
): JobsModule {
  const store = new DisposableStore();
  const history = lazy(() => openHistory(records));
  const jobs = store.add(
    new PolledList<JobSummary>(
      async (signal) => (await history()).list(signal),
      () => refreshMs,
    ),
  );
  store.add(
    createListView(vs, {
      view: views.jobs,
      stateKey: 'runpodTrainer.jobsState',
      list: jobs,
      nodes: (items) => jobNodes(vs, items),
    }),
  );
  store.add(
    jobs.onDidChange(({ items }) =>
      setContext(vs, 'runpodTrainer.jobSucceeded', items?.some((job) => job.outcome === 'succeeded') === true),
    ),
  );
  let soon: NodeJS.Timeout | undefined;
  store.add({ dispose: () => clearTimeout(soon) });
  /** A job may tell of many things in a second. */
  const refreshSoon = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      void jobs.refresh();
    }, refreshMs);
  };
  const live = store.add(
    new AttachedJobs(vs, failures, { records, longMs: () => settings.longJobMs }, (what) => {
      if (what === 'pod') {
        void jobs.refresh();
        refreshPods();
      } else {
        refreshSoon();
      }
    }),
  );
  store.add(
    pods.onDidChange(({ items, error }) => {
      const isOpen = ({ outcome, phase, facts }: JobSummary): boolean =>
        (outcome === undefined && phase !== 'done') ||
        (facts?.record.pod !== undefined && facts.record.podEnded === undefined && facts.record.goneBy === undefined);
      // Only what the API has just answered tells that a pod is gone.
      if (items !== undefined && error === undefined && askedHere() && jobs.state.items?.some(isOpen) === true) {
        noteGone(items).catch((reason: unknown) => failures.show(reason, 'Look for pods that are gone'));
      }
    }),
  );
  let shown: Promise<unknown> | undefined;
  const noteGone = async (items: readonly Pod[]): Promise<void> => {
    const { tellGone } = await import('./gone-jobs.ts');
    await tellGone(await installation(), items, live);
    await jobs.refresh();
  };
  /** Goes on with the jobs of this window's folder, after a reload for example. */
  const reattach = async (): Promise<void> => {
    if (!account.ready) {
      return;
    }
    await Promise.all([shown, jobs.ensure(Infinity)]);
    const roots = (vs.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    for (const record of jobsToReattach(await (await records()).list(), account.restUrl, roots)) {
      live.attach(await installation(), record);
    }
  };
  store.add(
    account.onDidChange(() => {
      reattach().catch((error: unknown) => failures.show(error, 'Attach to the Jobs of This Folder'));
    }),
  );

  const options: RunContext = { account, credentials, memory: ownMemory, live, installation };
  const runJob = () => import('./run-job.ts');
  const start: JobsModule['start'] = async (request, shown) => (await runJob()).startRun(vs, options, request, shown);
  let launch: Launch = async (request) => {
    await start(request);
  };
  const stepOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  store.add(
    registry.register(commands.run, async (target) => (await runJob()).runPipeline(vs, options, launch, target)),
  );
  store.add(
    registry.register(commands.runFrom, async (target, step) => {
      account.requireTrust();
      const { resumeRequest } = await import('./gone-jobs.ts');
      const request = await resumeRequest(vs, await records(), target);
      return request === undefined
        ? (await runJob()).runPipeline(vs, options, launch, target, stepOf(step))
        : launch(request);
    }),
  );
  store.add(
    registry.register(commands.attachJob, async (target) => {
      const { attachToJob } = await import('./attach-job.ts');
      return attachToJob(vs, { records: await records(), live, installation }, target);
    }),
  );
  store.add(
    registry.register(commands.cancelJob, async (target) => {
      const { cancelJob } = await import('./cancel-job.ts');
      return cancelJob(vs, { live, installation }, await (await records()).list(), target);
    }),
  );
  store.add(
    registry.register(commands.fetchResults, async (target) => {
      const { fetchJobResults } = await import('./fetch-results.ts');
      return fetchJobResults(
        vs,
        { records: await records(), installation, changed: () => void jobs.refresh() },
        target,
      );
    }),
  );
  store.add(
    registry.register(commands.openResults, async (target) => {
      const { openJobResults } = await import('./open-results.ts');
      return openJobResults(vs, await records(), target);
    }),
  );
  store.add(
    registry.register(commands.runAgain, async (target) => {
      account.requireTrust();
      const { againRequest } = await import('./gone-jobs.ts');
      const request = await againRequest(vs, await records(), target);
      return request === undefined ? (await runJob()).runPipeline(vs, options, launch, target) : launch(request);
    }),
  );
  store.add(
    registry.register(commands.openInProjectFile, async (target) => {
      const { openInProjectFile } = await import('./step-places.ts');
      return openInProjectFile(vs, await records(), target);
    }),
  );
  store.add(
    registry.register(commands.revealStepFiles, async (target) => {
      const { revealStepFiles } = await import('./step-places.ts');
      return revealStepFiles(vs, await records(), target);
    }),
  );
  store.add(
    registry.register(commands.removeJob, async (target) => {
      const { removeJob } = await import('./remove-job.ts');
      return removeJob(vs, await records(), target, () => void jobs.refresh());
    }),
  );
  store.add(registry.register(commands.showJobLog, () => live.showLog()));
  jobs.restart(true);
  return {
    jobs,
    live,
    start,
    launchWith: (show) => {
      launch = show;
    },
    attachAfter: (first) => {
      shown = first;
    },
    dispose: () => store.dispose(),
  };
}

async function openHistory(records: OpenRecords): Promise<JobHistory> {
  const { recordedHistory } = await import('./history.ts');
  return recordedHistory(await records());
}
