import type * as vscode from 'vscode';
import { posix } from 'node:path';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { Account } from '../account/account.ts';
import { withProgress } from '../common/progress.ts';
import { draftProject, firstFile, type Region } from './draft.ts';

const ignored =
  '**/{.git,.venv,venv,node_modules,__pycache__,.ipynb_checkpoints,.runpod-trainer,runpod-results,site-packages}/**';
const endings = 'py,ipynb,parquet,txt,yaml,yml,toml,cfg,ini,json,csv,tsv,jsonl,npz,npy,h5,hdf5,arrow';
const mostFiles = 2000;
/** Code is read to see what it runs and writes; what is larger is data in a notebook. */
const largestSource = 1_000_000;

export interface CreateOptions {
  account: Pick<Account, 'ready'>;
  installation: () => Promise<Pick<Installation, 'client' | 'platform' | 'records' | 'restUrl' | 's3'>>;
}

/** Writes a commented project file from what lies in the folder, and opens it. */
export async function createProjectFile(vs: typeof vscode, options: CreateOptions): Promise<void> {
  const folder = await chooseFolder(vs);
  if (folder === undefined) {
    return;
  }
  const target = vs.Uri.joinPath(folder.uri, firstFile);
  if (await exists(vs, target)) {
    vs.window.setStatusBarMessage(`$(info) ${firstFile} is there already; nothing was changed`, 8000);
  } else {
    const found = await vs.workspace.findFiles(new vs.RelativePattern(folder, `**/*.{${endings}}`), ignored, mostFiles);
    const files = found.map((uri) => posix.relative(folder.uri.path, uri.path));
    const sources = await readSources(vs, folder, files);
    const region = await chooseRegion(vs, options);
    const text = draftProject({ name: folder.name, files, sources, region });
    await vs.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  }
  await vs.window.showTextDocument(target);
}

async function readSources(
  vs: typeof vscode,
  folder: vscode.WorkspaceFolder,
  files: readonly string[],
): Promise<Map<string, string>> {
  const read = async (file: string): Promise<[string, string][]> => {
    const uri = vs.Uri.joinPath(folder.uri, file);
    const { size } = await vs.workspace.fs.stat(uri);
    return size > largestSource ? [] : [[file, new TextDecoder().decode(await vs.workspace.fs.readFile(uri))]];
  };
  const code = files.filter((file) => /\.(py|ipynb)$/.test(file));
  const all = await Promise.all(code.map((file) => read(file).catch((): [string, string][] => [])));
  return new Map(all.flat());
}

/** Where it shall run, the best first with the reason; undefined where nobody can say or wants to. */
async function chooseRegion(vs: typeof vscode, options: CreateOptions): Promise<Region | undefined> {
  if (!options.account.ready) {
    return undefined;
  }
  const looked = await withProgress(vs, { title: 'Reading the data centers…', where: 'window' }, async (signal) => {
    const { advise, usable } = await import('../../core/guards/advisor/index.ts');
    const advice = await advise(await options.installation(), { dataBytes: 0, minCuda: '12.8' }, signal);
    return advice.rows
      .filter((row) => row.canCreateVolume)
      .map((row) => ({ row, gpus: usable(row).filter(({ memoryGb }) => (memoryGb ?? 0) >= 24) }));
  });
  // Without an answer of RunPod the file is made all the same; its check says what is wrong with it.
  if (looked.status !== 'ok' || looked.value.length === 0) {
    return undefined;
  }
  const regionOf = ({ row, gpus }: (typeof looked.value)[number]): Region => ({
    dataCenter: row.dataCenter,
    gpus: gpus.slice(0, 3).map(({ id }) => id),
  });
  const [best] = looked.value;
  const items = [
    ...looked.value.map((one) => ({
      label: one.row.dataCenter,
      description: one.row.name,
      detail: one.row.reason,
      region: regionOf(one),
    })),
    {
      label: 'Choose Later',
      description: `${best?.row.dataCenter ?? ''} stands in the file until then`,
      detail: 'The region can be changed until the volume is made, when the pipeline first runs.',
      region: best && regionOf(best),
    },
  ];
  const chosen = await vs.window.showQuickPick<(typeof items)[number] & vscode.QuickPickItem>(items, {
    title: 'Create Project File',
    placeHolder: 'In which region shall it run? Its volume stays there for good.',
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  return (chosen ?? items.at(-1))?.region;
}

async function chooseFolder(vs: typeof vscode): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vs.workspace.workspaceFolders ?? [];
  if (folders.length === 0) {
    throw new UserError('no-folder', {
      what: 'No folder is open.',
      why: 'A project file describes the folder that it lies in.',
      next: 'Open the folder with your training code first.',
    });
  }
  return folders.length === 1
    ? folders[0]
    : vs.window.showWorkspaceFolderPick({ placeHolder: 'Which folder is the project?' });
}

async function exists(vs: typeof vscode, uri: vscode.Uri): Promise<boolean> {
  return vs.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
