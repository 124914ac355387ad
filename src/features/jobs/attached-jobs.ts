import type * as vscode from 'vscode';
import { setTimeout as delay } from 'node:timers/promises';
import type { Estimate } from '../../core/costs/estimate.ts';
import { CancelledError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { RunPlan } from '../../core/jobs/plan.ts';
import type { OnEvent, RunEvent } from '../../core/journal/run-event.ts';
import type { JobRecord } from '../../core/journal/records.ts';
import type { FollowOptions, JobResult } from '../../core/jobs/conclude.ts';
import { atWork } from '../common/at-work.ts';
import { askAdopt } from '../common/adopt.ts';
import { Emitter, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import { buttonsOf, press, type Button } from '../common/remedies.ts';
import type { OpenRecords } from '../account/installation.ts';
import { endMessage, type EndedJob } from './end-message.ts';
import { jobLines } from './job-text.ts';

/** How the end of a job is told. */
export interface Telling {
  records: OpenRecords;
  /** A success is told in a message when its job took so long, in ms. */
  longMs: () => number;
}

/** A window that nobody looks at leaves it to the others for so long, in ms. */
const othersFirstMs = 800;

/** The jobs that this window is attached to. Disposing detaches: the jobs go on. */
export class AttachedJobs implements Disposable {
  readonly #vs: typeof vscode;
  readonly #failures: Failures;
  readonly #telling: Telling;
  #isWatched: (job: string) => boolean = () => false;
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

  constructor(vs: typeof vscode, failures: Failures, telling: Telling, changed: (what: 'job' | 'pod') => void) {
    this.#vs = vs;
    this.#telling = telling;
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
      throw new NothingToDo(`The job of ${record.project} has ended already.`);
    }
    this.#changed('pod');
  }

  /** Tells whether the user looks at a job's panel. */
  watchedWith(isWatched: (job: string) => boolean): void {
    this.#isWatched = isWatched;
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
        const { text, remedies } = event;
        void this.#isFirst(job, text).then((isFirst) => {
          if (isFirst) {
            this.#show('showWarningMessage', text, buttonsOf(this.#vs, remedies));
          }
        });
      }
      if (event.type === 'pod' || event.type === 'phase') {
        this.#changed('pod');
      } else if (event.type === 'job' && event.event.type !== 'log') {
        this.#changed('job');
      }
    };
  }

  #show(how: (typeof shownBy)[keyof typeof shownBy], text: string, buttons: Button[]): void {
    const titles = buttons.map((b) => b.title);
    void this.#vs.window[how](text, ...titles).then((chosen) =>
      press(
        this.#vs,
        buttons.find((b) => b.title === chosen),
      ),
    );
  }

  /** Says how a job ended, in one window of this computer. */
  async tell(ended: EndedJob): Promise<void> {
    const { record, outcome, unfollowed } = ended;
    const isWatched = this.#vs.window.state.focused && this.#isWatched(record.job);
    const message = endMessage(this.#vs, ended, { longMs: this.#telling.longMs(), isWatched });
    if (message?.how === 'status') {
      this.#vs.window.setStatusBarMessage(message.text, 15_000);
    } else if (message !== undefined && (unfollowed === true || (await this.#isFirst(record.job, outcome)))) {
      // That this window cannot follow says nothing of the others.
      this.#show(shownBy[message.how], message.text, message.buttons);
    }
  }

  /** The window that the user looks at tells, if there is one. */
  async #isFirst(job: string, what: string): Promise<boolean> {
    if (!this.#vs.window.state.focused) {
      await delay(othersFirstMs, undefined, { ref: false });
    }
    const { tellsFirst } = await import('./tell-once.ts');
    return tellsFirst(await this.#telling.records(), job, what);
  }
}

const shownBy = {
  error: 'showErrorMessage',
  warning: 'showWarningMessage',
  information: 'showInformationMessage',
} as const;
