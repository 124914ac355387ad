import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import type { Installation } from '../../core/home/installation.ts';
import type { Account } from '../account/account.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { KnownPrices } from './known-prices.ts';
import type { LastJob, PriceLens } from './lenses.ts';
import { projectSuffix } from './project-files.ts';

/** Jobs as their list knows them. */
export interface LensJobs {
  readonly state: { items?: readonly (LastJob & { facts?: { record: { file: string } } })[] | undefined };
  onDidChange: (listener: () => void) => Disposable;
}

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
  const prices = store.add(new KnownPrices(findPrice, () => changed.fire()));
  const priceOf = (document: vscode.TextDocument): PriceLens | undefined => {
    const { uri, fileName: file, isDirty: dirty } = document;
    const text = document.getText();
    return account.ready ? prices.of({ uri: uri.toString(), file, text, dirty }, account.restUrl) : undefined;
  };
  // A save changes no text, so the editor itself would not ask again.
  store.add(
    vs.workspace.onDidSaveTextDocument(({ fileName }) => {
      if (fileName.endsWith(projectSuffix)) {
        changed.fire();
      }
    }),
  );
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
