import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import type { Installation } from '../../core/home/installation.ts';
import type { Account } from '../account/account.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { LastJob, PriceLens } from './lenses.ts';
import { projectSuffix } from './project-files.ts';

/** Jobs as their list knows them. */
export interface LensJobs {
  readonly state: { items?: readonly (LastJob & { facts?: { record: { file: string } } })[] | undefined };
  onDidChange: (listener: () => void) => Disposable;
}

/** Prices and stock change within minutes. */
const priceMs = 120_000;

/** Above the file: run, its price, check, sync. Above every step: run from here, and how it ended last. */
export function createProjectLenses(
  vs: typeof vscode,
  account: Pick<Account, 'ready' | 'restUrl' | 'onDidChange'>,
  installation: () => Promise<Installation>,
  jobs: LensJobs,
): Disposable {
  const store = new DisposableStore();
  const changed = store.add(new vs.EventEmitter<void>());
  const stop = new AbortController();
  store.add({ dispose: () => stop.abort() });
  store.add(account.onDidChange(() => changed.fire()));
  let shown = '';
  store.add(
    jobs.onDidChange(() => {
      const steps = jobs.state.items?.map(({ job, view }) => [job, view.steps.map(({ status }) => status)]);
      const now = JSON.stringify(steps);
      if (now !== shown) {
        shown = now;
        changed.fire();
      }
    }),
  );
  /** The last price of a file; a lens never waits for one. */
  const prices = new Map<string, { of: string; at: number; price: PriceLens | undefined }>();
  const priceOf = (document: vscode.TextDocument): PriceLens | undefined => {
    const key = document.uri.toString();
    const text = document.getText();
    const of = `${account.restUrl}\n${text}`;
    const known = prices.get(key);
    if (!account.ready) {
      return undefined;
    }
    if (known?.of !== of || Date.now() - known.at > priceMs) {
      prices.set(key, { of, at: Date.now(), price: known?.price });
      void findPrice(document.fileName, text).then((price) => {
        const { price: before, of: latest } = prices.get(key) ?? {};
        if (latest === of && JSON.stringify(before) !== JSON.stringify(price)) {
          prices.set(key, { of, at: Date.now(), price });
          changed.fire();
        }
      });
    }
    return known?.price;
  };
  /** Undefined where nobody can say: the launch sheet and the check say why. */
  const findPrice = async (file: string, text: string): Promise<PriceLens | undefined> => {
    try {
      const [facts, { parseProject }] = await Promise.all([
        import('./lens-facts.ts'),
        import('../../core/project/parse.ts'),
      ]);
      const { project } = parseProject(text);
      const loaded = project && { file, root: dirname(file), text, project };
      return loaded && (await facts.priceOf(await installation(), loaded, stop.signal));
    } catch {
      return undefined;
    }
  };
  store.add(
    vs.languages.registerCodeLensProvider(
      { scheme: 'file', pattern: `**/*${projectSuffix}` },
      {
        onDidChangeCodeLenses: changed.event,
        provideCodeLenses: async (document) => {
          const { lensPlaces } = await import('./lenses.ts');
          const own = (jobs.state.items ?? []).filter(({ facts }) => facts?.record.file === document.fileName);
          return lensPlaces(document.getText(), own, priceOf(document)).map(
            ({ offset, title, tooltip, command, step, job }) => {
              const at = document.positionAt(offset);
              const about =
                job === undefined ? [document.uri, ...(step === undefined ? [] : [step])] : [{ id: job, step }];
              return new vs.CodeLens(new vs.Range(at, at), { title, tooltip, command, arguments: about });
            },
          );
        },
      },
    ),
  );
  return store;
}
