import type * as vscode from 'vscode';
import type { PythonExtension } from '@vscode/python-extension';
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Emitter, type Disposable } from '../common/disposables.ts';
import type { Settings } from '../common/settings.ts';

/** Who says which Python a folder has, from who counts most to who counts least. */
export const sources = {
  chosen: 'chosen for this folder',
  extension: 'chosen in the Python extension',
  setting: 'from the setting',
  folder: 'an environment in this folder',
  prepared: 'made for the sample',
  usual: 'of this system',
} as const;

export interface PythonChoice {
  /** The program. */
  path: string;
  from: keyof typeof sources;
}

/** The part of a Memento that is used. */
interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): Thenable<void>;
}

const chosenKey = 'chosenPythons';
const extensionId = 'ms-python.python';
/** Another extension may never be ready, in ms. */
const patienceMs = 10_000;
const usual = 'python3';
const inEnvironment = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];

export interface WorkspacePythonOptions {
  settings: Pick<Settings, 'python'>;
  memory: Memory;
  /** Where an environment for the sample is made. */
  storage: string;
  patienceMs?: number;
}

/** The one Python of a workspace: steps on this machine and the pods of the sandbox have it. */
export class WorkspacePython implements Disposable {
  readonly #vs: typeof vscode;
  readonly #options: WorkspacePythonOptions;
  readonly #changed = new Emitter<undefined>();
  /** Somebody chose another one here. */
  readonly onDidChange = this.#changed.event;

  constructor(vs: typeof vscode, options: WorkspacePythonOptions) {
    this.#vs = vs;
    this.#options = options;
  }

  /** Where an environment for the sample is made. */
  get preparedFolder(): string {
    return join(this.#options.storage, 'sample-python');
  }

  /** The Python of a folder, of the window's first one unless told. */
  async current(folder = this.#folder()): Promise<PythonChoice> {
    const [first] = await this.offered(folder);
    return first ?? { path: usual, from: 'usual' };
  }

  /** All that are known of a folder, the one that is used first. In a folder that is not trusted none is looked for. */
  async offered(folder = this.#folder()): Promise<PythonChoice[]> {
    const { settings } = this.#options;
    if (!this.#vs.workspace.isTrusted) {
      return [{ path: settings.python, from: settings.python === usual ? 'usual' : 'setting' }];
    }
    const own = this.#chosen()[addressOf(folder)];
    const extension = await this.#ofExtension(folder);
    const environments =
      folder?.scheme === 'file' ? ['.venv', 'venv', 'env'].map((name) => join(folder.fsPath, name)) : [];
    const all: PythonChoice[] = [
      ...(own === undefined ? [] : [{ path: own, from: 'chosen' as const }]),
      ...(extension === undefined ? [] : [{ path: extension, from: 'extension' as const }]),
      ...(settings.python === usual ? [] : [{ path: settings.python, from: 'setting' as const }]),
      ...environments.flatMap((at) => environmentAt(at, 'folder')),
      ...environmentAt(this.preparedFolder, 'prepared'),
      { path: usual, from: 'usual' },
    ];
    // One that was removed since does not count.
    const there = all.filter(({ path, from }) => from === 'setting' || !isAbsolute(path) || existsSync(path));
    return there.filter(({ path }, i) => there.findIndex((other) => other.path === path) === i);
  }

  /** Uses a Python for a folder from now on; undefined lets the others say again. */
  async choose(path: string | undefined, folder = this.#folder()): Promise<void> {
    const others = Object.entries(this.#chosen()).filter(([address]) => address !== addressOf(folder));
    const kept = Object.fromEntries(others.slice(-99));
    await this.#options.memory.update(chosenKey, path === undefined ? kept : { ...kept, [addressOf(folder)]: path });
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #folder(): vscode.Uri | undefined {
    return this.#vs.workspace.workspaceFolders?.[0]?.uri;
  }

  #chosen(): Record<string, string> {
    const stored = this.#options.memory.get(chosenKey);
    const entries = typeof stored === 'object' && stored !== null ? Object.entries(stored) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }

  /** The interpreter that the Python extension has for a folder, where that extension is installed and answers. */
  async #ofExtension(folder: vscode.Uri | undefined): Promise<string | undefined> {
    const extension = this.#vs.extensions.getExtension<PythonExtension>(extensionId);
    if (extension === undefined) {
      return undefined;
    }
    const ask = async (): Promise<string | undefined> => {
      // Its types promise more than another release, or another extension of that name, may keep.
      const api = (await extension.activate()) as Partial<PythonExtension> | null | undefined;
      await api?.ready;
      const environment = api?.environments?.getActiveEnvironmentPath(folder);
      const found = environment && (await api?.environments?.resolveEnvironment(environment));
      const path: unknown = found?.executable.uri?.fsPath;
      return typeof path === 'string' && isAbsolute(path) ? path : undefined;
    };
    const late = delay(this.#options.patienceMs ?? patienceMs, undefined, { ref: false });
    return Promise.race([ask().catch(() => undefined), late]);
  }
}

function environmentAt(folder: string, from: 'folder' | 'prepared'): PythonChoice[] {
  const path = join(folder, ...inEnvironment);
  return existsSync(join(folder, 'pyvenv.cfg')) && existsSync(path) ? [{ path, from }] : [];
}

function addressOf(folder: vscode.Uri | undefined): string {
  return folder?.toString() ?? 'no folder';
}
