import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { createListView } from '../common/list-view.ts';
import { PolledList } from '../common/polled-list.ts';
import { views } from '../ids.ts';
import type { JobHistory, JobSummary } from './history.ts';
import { jobNodes } from './job-nodes.ts';

/** A local read, so it may be more frequent than calls to RunPod. */
const refreshMs = 2000;

export interface JobsModule extends Disposable {
  jobs: PolledList<JobSummary>;
}

/** The Jobs view. Needs no account: what this machine knows of its jobs is shown in any case. */
export function createJobsModule(vs: typeof vscode, history: JobHistory): JobsModule {
  const store = new DisposableStore();
  const jobs = store.add(
    new PolledList<JobSummary>(
      (signal) => history.list(signal),
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
  jobs.restart(true);
  return { jobs, dispose: () => store.dispose() };
}
