import type { Estimate } from '../../core/costs/estimate.ts';
import { CancelledError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { PreflightReport } from '../../core/guards/preflight/index.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { applyProfile } from '../../core/project/profile.ts';
import type { StepForesight } from '../../core/jobs/foresight.ts';
import type { RunRequest } from '../jobs/run-job.ts';
import type { LaunchContext } from './context.ts';
import type { FindingDiagnostics } from './finding-diagnostics.ts';
import { launchFacts, smokeFacts } from './facts.ts';
import { loadFromEditor } from '../projectfile/edit.ts';
import * as sheetText from './sheet-text.ts';
import { failureText } from '../common/text.ts';

type Parts = sheetText.Parts;
type PartName = keyof Parts;
const partNames: PartName[] = ['checks', 'pods', 'sync', 'estimate', 'limits', 'smoke'];

const busy = { busy: true };
const unknown: Parts = { checks: busy, pods: busy, sync: busy, estimate: busy, limits: busy, smoke: busy };

type Show = <K extends PartName>(name: K, value: Promise<Parts[K]['value']>) => Promise<void>;

/** What is known of a run that is wished for; found out part by part, side by side, and again at will. */
export class RunPreview {
  readonly #context: LaunchContext;
  readonly #diagnostics: FindingDiagnostics;
  readonly #changed: () => void;
  #number = 0;
  #abort = new AbortController();
  #parts: Parts = unknown;
  #loaded: LoadedProject | undefined;
  #report: PreflightReport | undefined;
  #estimate: Estimate | undefined;
  #smoke: Estimate | undefined;
  #mostDollars: number | null | undefined;
  #foreseen: readonly StepForesight[] | undefined;
  #foreseeing = false;

  /** @param changed told when a part is another one */
  constructor(context: LaunchContext, diagnostics: FindingDiagnostics, changed: () => void) {
    this.#context = context;
    this.#diagnostics = diagnostics;
    this.#changed = changed;
  }

  /** Grows with every look; what a button is about is a place in the lists of its look. */
  get number(): number {
    return this.#number;
  }

  /** A fault that is among the findings is told there alone. */
  get parts(): Parts {
    return sheetText.toldOnce(this.#parts, this.#report?.findings ?? []);
  }

  /** The project as its editor shows it, without its profile. */
  get loaded(): LoadedProject | undefined {
    return this.#loaded;
  }

  get estimate(): Estimate | undefined {
    return this.#estimate;
  }

  get smoke(): Estimate | undefined {
    return this.#smoke;
  }

  /** What each step will do, as it was found out last. */
  get foreseen(): readonly StepForesight[] | undefined {
    return this.#foreseen;
  }

  /** Whether that is found out now. */
  get foreseeing(): boolean {
    return this.#foreseeing;
  }

  /** USD that the caps allow at most; null without any, undefined while nobody knows. */
  get mostDollars(): number | null | undefined {
    return this.#mostDollars;
  }

  end(): void {
    this.#abort.abort(new CancelledError());
  }

  /** Finds everything out anew; what was known stays meanwhile. Answers what preflight found, if it could look. */
  async look(request: RunRequest): Promise<PreflightReport | undefined> {
    this.end();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const number = ++this.#number;
    this.#foreseeing = true;
    for (const name of partNames) {
      this.#set(name, { ...this.#parts[name], busy: true });
    }
    const { vs, installation } = this.#context;
    try {
      const [here, loaded] = await Promise.all([installation(), loadFromEditor(vs, request.file)]);
      if (signal.aborted) {
        return undefined;
      }
      // The name is checked here, so that every part may rely on it.
      const project = applyProfile(loaded.project, request.profile);
      this.#loaded = loaded;
      return await this.#findOut(here, loaded, { ...loaded, project }, request, signal);
    } catch (error) {
      const why = failureText(error);
      this.#foresee(() => number === this.#number, undefined);
      for (const name of partNames) {
        this.#fill(number, name, { busy: false, failure: why });
      }
      return undefined;
    }
  }

  findingOf(number: number, index: number): PreflightReport['findings'][number] | undefined {
    return number === this.#number ? this.#report?.findings[index] : undefined;
  }

  /** Why the run cannot be started now. */
  blocked(): string | undefined {
    const { checks, limits } = this.#parts;
    if (checks.busy) {
      return 'The checks are still at work.';
    }
    if (checks.failure !== undefined || limits.failure !== undefined) {
      return checks.failure ?? limits.failure;
    }
    const errors = this.#report?.findings.filter((f) => f.severity === 'error').length ?? 0;
    return errors === 0
      ? undefined
      : `${errors === 1 ? 'One error has' : `${errors} errors have`} to be corrected first.`;
  }

  async #findOut(
    here: Installation,
    loaded: LoadedProject,
    changed: LoadedProject,
    request: RunRequest,
    signal: AbortSignal,
  ): Promise<PreflightReport | undefined> {
    const number = this.#number;
    const facts = launchFacts(here, loaded, changed, request, this.#context.credentials, signal);
    const isNow = (): boolean => number === this.#number;
    const { hardware, pod, sync, upload, foreseen, estimate, most, report } = facts;
    const show: Show = (name, value) => this.#part(number, name, value);
    await Promise.all([
      show(
        'pods',
        hardware.then(async ({ volume, list }) => sheetText.podsText(volume, list, here.client.free, await pod)),
      ),
      show(
        'sync',
        sync.then(async ({ plan }) => sheetText.syncText(plan, await upload)),
      ),
      show(
        'estimate',
        estimate.then((found) => {
          this.#estimate = isNow() ? found : this.#estimate;
          return sheetText.estimateText(found);
        }),
      ),
      show(
        'limits',
        most.then(async (dollars) => {
          this.#mostDollars = isNow() ? dollars : this.#mostDollars;
          return sheetText.limitsText(changed.project, dollars, await here.platform.capabilities(here.restUrl), {
            free: here.client.free,
            endKeySecret: here.endKeySecret,
          });
        }),
      ),
      show(
        'checks',
        report.then((found) => {
          this.#report = isNow() ? found : this.#report;
          return sheetText.checksText(found, loaded);
        }),
      ),
      foreseen.then(
        (steps) => this.#foresee(isNow, steps),
        () => this.#foresee(isNow, undefined),
      ),
      show('smoke', this.#findOutSmoke(here, changed, sync, isNow, signal)),
    ]);
    const found = await report.catch(() => undefined);
    if (found !== undefined && isNow()) {
      await this.#diagnostics.set(request.file, loaded, found.findings);
    }
    return isNow() ? found : undefined;
  }

  /** After the plan of the transfer, so that what a person waits for comes first. */
  async #findOutSmoke(
    here: Installation,
    changed: LoadedProject,
    first: Promise<unknown>,
    isNow: () => boolean,
    signal: AbortSignal,
  ): Promise<Parts['smoke']['value']> {
    await first.catch(() => undefined);
    const found = await smokeFacts(here, changed, signal);
    this.#smoke = isNow() ? found.estimate : this.#smoke;
    return sheetText.smokeText(found, here.client.free);
  }

  #foresee(isNow: () => boolean, steps: readonly StepForesight[] | undefined): void {
    if (isNow()) {
      this.#foreseen = steps;
      this.#foreseeing = false;
      this.#changed();
    }
  }

  async #part<K extends PartName>(number: number, name: K, value: Promise<Parts[K]['value']>): Promise<void> {
    try {
      this.#fill(number, name, { busy: false, value: await value } as Parts[K]);
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        this.#fill(number, name, { busy: false, failure: failureText(error) });
      }
    }
  }

  #fill<K extends PartName>(number: number, name: K, part: Parts[K]): void {
    if (number === this.#number) {
      this.#set(name, part);
    }
  }

  #set<K extends PartName>(name: K, part: Parts[K]): void {
    this.#parts = { ...this.#parts, [name]: part };
    this.#changed();
  }
}
