import type * as vscode from 'vscode';
import { CancelledError, UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import { loadProject, type LoadedProject } from '../../core/project/load.ts';
import { applyProfile } from '../../core/project/profile.ts';
import { planSync, type SyncResult } from '../../core/volumes/sync.ts';
import type { PreparedPlan, RouteKind, TransferPlan } from '../../core/volumes/plan/index.ts';
import type { Account } from '../account/account.ts';
import type { Disposable } from '../common/disposables.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { chooseProfile, chooseProjectFile, saveChanges } from '../projectfile/choose.ts';
import { allowSecrets } from '../projectfile/edit.ts';
import { agreed, carryOut, doneText } from './carry-out.ts';
import { refuseSecrets, stillDecided, unseenChange } from './recheck.ts';
import { PlanView } from './plan-view.ts';
import { askRoute } from './choose-route.ts';

export interface TransferOptions {
  account: Account;
  installation: () => Promise<Installation>;
  /** Tells that volumes and pods may have changed. */
  refresh: () => void;
}

interface How {
  profile?: string | undefined;
  route?: RouteKind | undefined;
  deletes: boolean;
}

/** A plan as it is shown, and what the user decided about it. */
interface Shown {
  uri: vscode.Uri;
  how: How;
  loaded: LoadedProject;
  prepared: PreparedPlan;
  /** When it was made, in milliseconds of the monotonic clock. */
  at: number;
  replace: Set<string>;
}

/** A plan that is younger than this is carried out as it is, in milliseconds. */
const freshMs = 5000;

/** The one transfer plan of this window, from its making to its end. */
export class Transfers implements Disposable {
  readonly #vs: typeof vscode;
  readonly #options: TransferOptions;
  readonly #view: PlanView;
  #shown: Shown | undefined;
  #syncing = false;
  /** The word about the last sync in the status bar. */
  #told: Disposable | undefined;

  constructor(vs: typeof vscode, options: TransferOptions) {
    this.#vs = vs;
    this.#options = options;
    this.#view = new PlanView(vs, (path, replace) => this.#decide(path, replace));
  }

  /** Makes a plan and shows it; answers it, or undefined when the user gave up. */
  async plan(target: unknown): Promise<TransferPlan | undefined> {
    const shown = await this.#choose(target, 'Plan Sync');
    return shown === undefined ? undefined : this.#show(shown);
  }

  /** Makes a plan, shows it and carries it out. */
  async syncProject(target: unknown): Promise<SyncResult | undefined> {
    const shown = await this.#choose(target, 'Sync Project Now');
    if (shown === undefined) {
      return undefined;
    }
    await this.#show(shown);
    return this.#sync(shown);
  }

  /** Carries out the plan that is shown, unless what it decides is not true any more. */
  async syncNow(): Promise<SyncResult | undefined> {
    const seen = this.#current();
    if (performance.now() - seen.at < freshMs) {
      return this.#sync(seen);
    }
    const now = await this.#make(seen.uri, seen.how, seen);
    const news = unseenChange(seen.prepared.plan, now.prepared.plan);
    await this.#show(now);
    if (news !== undefined) {
      throw new UserError('plan-changed', {
        what: `The plan has changed since you saw it, so nothing was sent. ${news}`,
        next: 'Look at it, and choose "Sync Now" again.',
      });
    }
    return this.#sync(now);
  }

  async chooseRoute(): Promise<void> {
    const { prepared, how } = this.#current();
    const route = await askRoute(this.#vs, await this.#options.installation(), prepared.plan);
    if (route !== undefined) {
      await this.again({ ...how, route: route === 'plan' ? undefined : route });
    }
  }

  async toggleDeletes(): Promise<TransferPlan> {
    const { how } = this.#current();
    return this.again({ ...how, deletes: !how.deletes });
  }

  /** Makes the plan that is shown anew. */
  async again(how?: How): Promise<TransferPlan> {
    const seen = this.#current();
    return this.#show(await this.#make(seen.uri, how ?? seen.how, seen));
  }

  /** Lets the file of a row go although it holds what looks like a secret: says so in the project file. */
  async allow(target: unknown): Promise<void> {
    const { uri, how, loaded } = this.#current();
    const path = typeof target === 'object' && target !== null && 'path' in target ? target.path : undefined;
    if (typeof path !== 'string') {
      throw new UserError('no-file', {
        what: 'No file was chosen.',
        next: 'Use the menu of a row under "Secrets" in the transfer plan.',
      });
    }
    const { profiles } = (await loadProject(loaded.file)).project;
    const ownList = how.profile !== undefined && profiles[how.profile]?.sync?.allowSecrets !== undefined;
    await allowSecrets(this.#vs, uri, path, ownList ? how.profile : undefined);
    await this.again();
  }

  /** Takes the plan away; a sync that runs goes on. */
  forget(): void {
    this.#shown = undefined;
    this.#view.hide();
  }

  dispose(): void {
    this.#view.dispose();
  }

  async #choose(target: unknown, title: string): Promise<Shown | undefined> {
    this.#options.account.requireTrust();
    this.#refuseSecond();
    const uri = await chooseProjectFile(this.#vs, target, title);
    if (uri === undefined) {
      return undefined;
    }
    const { project } = await this.#load(uri);
    const choice = await chooseProfile(this.#vs, project, title);
    return choice === undefined ? undefined : this.#make(uri, { ...choice, deletes: false });
  }

  async #load(uri: vscode.Uri): Promise<LoadedProject> {
    await saveChanges(this.#vs, uri);
    return loadProject(uri.fsPath);
  }

  async #make(uri: vscode.Uri, how: How, before?: Shown): Promise<Shown> {
    this.#refuseSecond();
    const read = await this.#load(uri);
    const loaded = { ...read, project: applyProfile(read.project, how.profile) };
    const installation = await this.#options.installation();
    const { route, deletes } = how;
    const title = `Comparing ${loaded.project.name} with its volume…`;
    const planned = await withProgress(this.#vs, { title }, (signal) =>
      planSync(installation, loaded, { route, deletes, signal }),
    );
    const prepared = valueOf(planned);
    const replace =
      before === undefined ? new Set<string>() : stillDecided(before.prepared.plan, prepared.plan, before.replace);
    return { uri, how, loaded, prepared, at: performance.now(), replace };
  }

  async #show(shown: Shown): Promise<TransferPlan> {
    this.#shown = shown;
    this.#draw();
    await this.#view.reveal();
    return shown.prepared.plan;
  }

  #draw(): void {
    if (this.#shown !== undefined) {
      const { prepared, replace, how, uri } = this.#shown;
      const folder = this.#vs.Uri.joinPath(uri, '..');
      this.#view.show({
        plan: prepared.plan,
        fileUri: (path) => this.#vs.Uri.joinPath(folder, ...path.split('/')),
        replace,
        deletes: how.deletes,
      });
    }
  }

  #decide(path: string, replace: boolean): void {
    if (this.#shown !== undefined && !this.#syncing) {
      this.#shown.replace[replace ? 'add' : 'delete'](path);
    }
    this.#draw();
  }

  #current(): Shown {
    this.#refuseSecond();
    if (this.#shown === undefined) {
      throw new UserError('no-plan', {
        what: 'There is no transfer plan.',
        next: 'Make one with "RunPod: Plan Sync…".',
      });
    }
    return this.#shown;
  }

  #refuseSecond(): void {
    if (this.#syncing) {
      throw new UserError('sync-running', {
        what: 'A sync is under way in this window.',
        next: 'Wait until it has ended, or cancel it in its message.',
      });
    }
  }

  async #sync(shown: Shown): Promise<SyncResult | undefined> {
    this.#refuseSecond();
    refuseSecrets(shown.prepared.plan);
    // From here on, before anything is waited for: a second click must not be a second sync.
    this.#syncing = true;
    let ended: Awaited<ReturnType<typeof carryOut>>;
    try {
      const installation = await this.#options.installation();
      if (!(await agreed(this.#vs, installation, shown))) {
        return undefined;
      }
      this.#told?.dispose();
      this.#view.setSyncing(true);
      ended = await carryOut(this.#vs, installation, shown);
    } finally {
      this.#syncing = false;
      this.#view.setSyncing(false);
    }
    this.#options.refresh();
    if (ended.status !== 'ok') {
      this.#planAfterwards(shown);
      if (ended.status === 'cancelled') {
        this.#tell('$(circle-slash) Sync cancelled; the next one goes on from here');
      }
      return valueOf(ended);
    }
    const result = ended.value;
    if (result !== undefined) {
      this.#tell(`$(check) ${doneText(result)}`);
      if (result.left.length > 0) {
        this.#planAfterwards(shown);
      } else if (this.#shown === shown) {
        this.forget();
      }
    }
    return result;
  }

  #tell(text: string): void {
    this.#told = this.#vs.window.setStatusBarMessage(text, 10_000);
  }

  /** What is left to do, shown without a word when it cannot be found out: the failure before is told already. */
  #planAfterwards(shown: Shown): void {
    const again = async (): Promise<void> => {
      if (this.#shown === shown) {
        const now = await this.#make(shown.uri, shown.how, shown);
        if (this.#shown === shown) {
          this.#shown = now;
          this.#draw();
        }
      }
    };
    void again().catch((error: unknown) => {
      if (!(error instanceof CancelledError || error instanceof UserError)) {
        throw error;
      }
    });
  }
}
