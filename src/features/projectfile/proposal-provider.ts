import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import type { Account } from '../account/account.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Settings } from '../common/settings.ts';
import type { Offer } from './offers.ts';
import { projectSuffix } from './project-files.ts';
import type { Proposal, Sources } from './proposals.ts';

/** Stock changes within minutes. */
const catalogMs = 120_000;

const kinds = { field: 'Property', value: 'Value', template: 'Snippet', file: 'File', folder: 'Folder' } as const;

/** Completion and hover of project files. */
export function createProposals(
  vs: typeof vscode,
  account: Account,
  settings: Pick<Settings, 's3Endpoints'>,
): Disposable {
  const store = new DisposableStore();
  const selector = { scheme: 'file', pattern: `**/*${projectSuffix}` };
  const sourcesOf = rememberedSources(account, settings);
  const markdown = (text: string): vscode.MarkdownString => new vs.MarkdownString(text);
  store.add(
    vs.languages.registerCompletionItemProvider(
      selector,
      {
        provideCompletionItems: async (document, position) => {
          const { proposalsAt } = await import('./proposals.ts');
          const sources = sourcesOf(dirname(document.fileName));
          const found = await proposalsAt(document.getText(), document.offsetAt(position), sources);
          return found.map((proposal, i) => itemOf(vs, document, proposal, i));
        },
      },
      '"',
      ':',
      '/',
    ),
  );
  store.add(
    vs.languages.registerHoverProvider(selector, {
      provideHover: async (document, position) => {
        const { hoverAt } = await import('./hover-text.ts');
        const sources = sourcesOf(dirname(document.fileName));
        const hover = await hoverAt(document.getText(), document.offsetAt(position), sources);
        return (
          hover &&
          new vs.Hover(
            hover.parts.map(markdown),
            new vs.Range(document.positionAt(hover.offset), document.positionAt(hover.offset + hover.length)),
          )
        );
      },
    }),
  );
  return store;
}

function itemOf(
  vs: typeof vscode,
  document: vscode.TextDocument,
  { kind, label, detail, text, insert, filter, range, goesOn }: Proposal,
  rank: number,
): vscode.CompletionItem {
  const item = new vs.CompletionItem({ label, description: detail }, vs.CompletionItemKind[kinds[kind]]);
  item.insertText = new vs.SnippetString(insert);
  item.range = new vs.Range(document.positionAt(range.offset), document.positionAt(range.offset + range.length));
  item.filterText = filter;
  item.sortText = String(rank).padStart(5, '0');
  if (text !== '') {
    item.documentation = new vs.MarkdownString(text);
  }
  if (goesOn) {
    item.command = { command: 'editor.action.triggerSuggest', title: '' };
  }
  return item;
}

/** What the account offers, asked for at most every two minutes; without an account or trust nothing is asked. */
function rememberedSources(account: Account, settings: Pick<Settings, 's3Endpoints'>): (root: string) => Sources {
  const known = new Map<string, { at: number; value: Promise<unknown> }>();
  const remembered = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const of = `${account.restUrl} ${key}`;
    const last = known.get(of);
    if (last !== undefined && Date.now() - last.at < catalogMs) {
      return last.value as Promise<T>;
    }
    const value = ask();
    known.set(of, { at: Date.now(), value });
    value.catch(() => known.delete(of));
    return value;
  };
  /** Without an answer completion has what is known in any case, and says nothing of why. */
  const offered = async (ask: () => Promise<readonly Offer[]>, instead: () => Promise<readonly Offer[]>) =>
    account.ready ? ask().catch(instead) : instead();
  return (root) => ({
    gpus: (dataCenter) =>
      offered(
        async () => {
          const { gpuOffers } = await import('./offers.ts');
          const client = await account.client();
          return gpuOffers(
            await remembered('gpus', () => client.catalog.gpus({ cloud: 'SECURE' })),
            dataCenter,
            client.free,
          );
        },
        async () => (await import('./offers.ts')).usualGpuOffers,
      ),
    dataCenters: () =>
      offered(
        async () => {
          const { dataCenterOffers } = await import('./offers.ts');
          const client = await account.client();
          const centers = await remembered('dataCenters', () => client.catalog.dataCenters());
          return dataCenterOffers(centers, { own: settings.s3Endpoints });
        },
        () => Promise.resolve([]),
      ),
    files: async () => {
      const { projectFiles } = await import('../../core/project/nearby.ts');
      return projectFiles(root);
    },
  });
}
