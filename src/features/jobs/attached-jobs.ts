import type * as vscode from 'vscode';
import type { Estimate } from '../../core/costs/estimate.ts';
import { CancelledError, UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import { isLoopback } from '../../core/runpod/connection.ts';
import type { RunPlan } from '../../core/jobs/plan.ts';
import type { OnEvent, RunEvent } from '../../core/journal/run-event.ts';
import { mayComeLater, missingResults } from '../../core/journal/missing-results.ts';
import type { JobRecord } from '../../core/journal/records.ts';
import type { FollowOptions, JobResult } from '../../core/jobs/conclude.ts';
import { atWork } from '../common/at-work.ts';
import { askAdopt } from '../common/adopt.ts';
import { Emitter, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import { commands } from '../ids.ts';
import { endedWords, missingText, priced, spentText } from '../../core/words/index.ts';
import { buttonsOf, press, type Button } from '../common/remedies.ts';
import { jobLines } from './job-text.ts';

/** The jobs that this window is attached to. Disposing detaches: the jobs go on. */
export class AttachedJobs implements Disposable {
  readonly #vs: typeof vscode;
  readonly #failures: Failures;
  readonly #output: vscode.OutputChannel;
  readonly #changed: (what: 'job' | 'pod') => void;
  readonly #attached = new Map<string, AbortController>();
  readonly #heard = new Emitter<{ job: string; event: RunEvent }>();
  readonly #attachedChanged = new Emitter<string>();
  readonly #started = new Emitter<{ job: string; project: string }>();
  /** Everything that this window is told of its jobs while they go on. */
  readonly onDidHear = this.#heard.event;
  /** This window has attached itself to a job or has let go of it. */
  readonly onDidChangeAttached = this.#attachedChanged.event;
  /** The user has started a job in this window. */
  readonly onDidStart = this.#started.event;

  constructor(vs: typeof vscode, failures: Failures, changed: (what: 'job' | 'pod') => void) {
    this.#vs = vs;
    this.#failures = failures;
    this.#changed = changed;
    this.#output = vs.window.createOutputChannel('RunPod Jobs');
  }

  /** Runs a plan; answers at once and tells the user when it has ended. */
  run(installation: Installation, plan: RunPlan, estimate?: Estimate): void {
    const { free } = installation.client;
    this.#stay({ job: plan.job, project: plan.loaded.project.name, free }, async (options) => {
      // Loaded with the first job: a window without one starts sooner.
      const [{ runJob }, { askGone }] = await Promise.all([import('../../core/jobs/run.ts'), import('./ask-gone.ts')]);
      return runJob(installation, plan, {
        ...options,
        estimate,
        adopt: askAdopt(this.#vs),
        gone: askGone(this.#vs, plan),
      });
    });
    this.#started.fire({ job: plan.job, project: plan.loaded.project.name });
  }

  /** Attaches to a job that runs, if this window is not attached already. */
  attach(installation: Installation, record: JobRecord): void {
    if (!this.#attached.has(record.job)) {
      this.#stay({ job: record.job, project: record.project, free: installation.client.free }, async (options) => {
        const { follow } = await import('../../core/jobs/follow.ts');
        return follow(installation, record, options);
      });
    }
  }

  /** Cancels a job; while its steps still run on this machine, that is done by ending those. */
  async cancel(installation: Installation, record: JobRecord): Promise<void> {
    const attached = this.#attached.get(record.job);
    if (record.remote === undefined && attached !== undefined) {
      attached.abort(new CancelledError());
      return;
    }
    const { cancelJob } = await import('../../core/jobs/cancel.ts');
    const result = await cancelJob(installation, record, {
      onEvent: this.#writer(record, installation.client.free),
    });
    if (result === undefined) {
      throw new UserError('job-over', {
        what: `The job of ${record.project} has ended already.`,
        next: 'There is nothing to cancel.',
      });
    }
    this.#changed('pod');
  }

  isAttached(job: string): boolean {
    return this.#attached.has(job);
  }

  showLog(): void {
    this.#output.show(true);
  }

  dispose(): void {
    for (const controller of this.#attached.values()) {
      controller.abort(new CancelledError());
    }
    this.#output.dispose();
  }

  #stay(
    { job, project, free }: { job: string; project: string; free: boolean },
    work: (options: FollowOptions) => Promise<JobResult>,
  ): void {
    const controller = new AbortController();
    this.#attached.set(job, controller);
    const { signal } = controller;
    this.#attachedChanged.fire(job);
    atWork(controller, work({ onEvent: this.#writer({ job, project }, free), signal }))
      .then(
        (result) => this.tell(result),
        (error: unknown) => this.#failures.show(error, `Run ${project}`),
      )
      .finally(() => {
        this.#attached.delete(job);
        this.#attachedChanged.fire(job);
        this.#changed('pod');
      });
  }

  #writer({ job, project }: { job: string; project: string }, free: boolean): OnEvent {
    const warned = new Set<string>();
    // Two jobs may write at a time, also two of one project.
    const name = `[${project} ${job.slice(-4)}]`;
    return (event) => {
      this.#heard.fire({ job, event });
      for (const line of jobLines(event, free)) {
        this.#output.appendLine(`${name} ${line}`);
      }
      if (event.type === 'warning' && event.remedies !== undefined && !warned.has(event.text)) {
        warned.add(event.text);
        this.#show('showWarningMessage', event.text, buttonsOf(this.#vs, event.remedies));
      }
      if (event.type === 'pod' || event.type === 'phase') {
        this.#changed('pod');
      } else if (event.type === 'job' && event.event.type !== 'log') {
        this.#changed('job');
      }
    };
  }

  #show(how: 'showErrorMessage' | 'showWarningMessage', text: string, buttons: Button[]): void {
    const titles = buttons.map((b) => b.title);
    void this.#vs.window[how](text, ...titles).then((chosen) =>
      press(
        this.#vs,
        buttons.find((b) => b.title === chosen),
      ),
    );
  }

  /** Says how a job ended. Success is quiet, failure is not. */
  tell({ record, outcome, unfollowed, unrecorded, reason, remedies = [], cost }: Omit<JobResult, 'view'>): void {
    const price = priced(spentText(cost.metered, cost.atMost), isLoopback(record.restUrl));
    const missing = missingResults(record);
    if (outcome === 'succeeded' && missing !== undefined) {
      const { why, left } = missing;
      const [first] = left;
      const which = why ?? (first && `${first.path}: ${first.reason}`) ?? '';
      this.#show(
        'showWarningMessage',
        `${record.project} succeeded, but ${missingText(missing)}. ${which}`.trim(),
        buttonsOf(this.#vs, [
          ...remedies,
          ...(mayComeLater(missing) && unrecorded !== true ? [{ do: 'fetch' as const, job: record.job }] : []),
        ]),
      );
      return;
    }
    if (outcome === 'succeeded') {
      this.#vs.window.setStatusBarMessage(`$(pass) ${record.project} succeeded · ${price}`, 15_000);
      return;
    }
    if (unfollowed === true) {
      const text = `The job of ${record.project} goes on as far as is known, but this window cannot follow it. ${reason ?? ''}`;
      this.#show('showErrorMessage', text.trim(), buttonsOf(this.#vs, remedies));
      return;
    }
    if (outcome === 'cancelled' || outcome === 'detached') {
      return;
    }
    const text = `${record.project} ${endedWords[outcome]} after ${price}. ${reason ?? ''}`;
    this.#show('showErrorMessage', text.trim(), [
      ...buttonsOf(this.#vs, remedies),
      { title: 'Explain Failure…', command: commands.explainFailure, arguments: [{ id: record.job }] },
      { title: 'Show Job Log', command: commands.showJobLog },
    ]);
  }
}
