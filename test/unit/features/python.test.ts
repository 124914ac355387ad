import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import { WorkspacePython, type PythonChoice } from '../../../src/features/python/workspace-python.ts';
import { FakeMemory } from '../../support/memory.ts';
import { useTempFolder } from '../../support/temp.ts';

interface Given {
  setting?: string;
  /** What the Python extension exports, or how it fails. */
  extension?: unknown;
  trusted?: boolean;
}

describe('the Python of a workspace (R9.5, R9.9)', () => {
  const temp = useTempFolder();
  let memory: FakeMemory;
  let activated: number;
  beforeEach(async () => {
    memory = new FakeMemory();
    activated = 0;
    await mkdir(join(temp.path, 'p'));
  });

  const uri = (path: string): vscode.Uri =>
    ({ scheme: 'file', fsPath: path, toString: () => `file://${path}` }) as unknown as vscode.Uri;

  function python({ setting = 'python3', extension, trusted = true }: Given = {}): WorkspacePython {
    const activate = async (): Promise<unknown> => {
      activated += 1;
      await Promise.resolve();
      if (extension instanceof Error) {
        throw extension;
      }
      return extension;
    };
    const vs = {
      workspace: { isTrusted: trusted, workspaceFolders: [{ uri: uri(join(temp.path, 'p')) }] },
      extensions: {
        getExtension: (id: string) => (extension !== undefined && id === 'ms-python.python' ? { activate } : undefined),
      },
    } as unknown as typeof vscode;
    return new WorkspacePython(vs, {
      settings: { python: setting },
      memory,
      storage: join(temp.path, 'storage'),
      patienceMs: 200,
    });
  }

  async function environment(folder: string): Promise<string> {
    const at = join(temp.path, folder);
    await mkdir(join(at, 'bin'), { recursive: true });
    await writeFile(join(at, 'pyvenv.cfg'), '');
    const program = join(at, 'bin', 'python');
    await writeFile(program, '');
    return program;
  }

  /** The Python extension as its package types it. */
  const exportsOf = (path: string) => ({
    ready: Promise.resolve(),
    environments: {
      getActiveEnvironmentPath: () => ({ id: path, path }),
      resolveEnvironment: () => Promise.resolve({ executable: { uri: uri(path) } }),
    },
  });

  const is = async (given: Given, path: string, from: PythonChoice['from']): Promise<void> =>
    assert.deepEqual(await python(given).current(), { path, from });

  it('is what the Python extension has, else the setting, else an environment of the folder, else the prepared one', async () => {
    await is({}, 'python3', 'usual');
    const prepared = await environment('storage/sample-python');
    await is({}, prepared, 'prepared');
    const own = await environment('p/.venv');
    await is({}, own, 'folder');
    await is({ setting: '/opt/python' }, '/opt/python', 'setting');
    const theirs = await environment('conda');
    await is({ setting: '/opt/python', extension: exportsOf(theirs) }, theirs, 'extension');
  });

  it('is another one where somebody chose it for this folder, until that is gone or taken back', async () => {
    const [own, theirs, mine] = [await environment('p/venv'), await environment('conda'), await environment('mine')];
    const here = python({ extension: exportsOf(theirs) });
    let told = 0;
    here.onDidChange(() => (told += 1));
    await here.choose(mine);
    assert.equal(told, 1);
    await is({ extension: exportsOf(theirs) }, mine, 'chosen');
    assert.equal((await here.current(uri('/another/folder'))).from, 'extension');
    assert.deepEqual(
      (await here.offered()).map(({ path }) => path),
      [mine, theirs, own, 'python3'],
    );
    await rm(mine);
    await is({ extension: exportsOf(theirs) }, theirs, 'extension');
    await here.choose(undefined);
    assert.deepEqual(memory.get('chosenPythons'), {});
  });

  for (const [name, extension] of [
    ['fails', new Error('no')],
    ['exports nothing', null],
    ['has another form', { environments: { getActiveEnvironmentPath: 3 } }],
    [
      'knows no environment',
      {
        ...exportsOf(''),
        environments: { ...exportsOf('').environments, resolveEnvironment: () => Promise.resolve(undefined) },
      },
    ],
    ['names a program without its folder', exportsOf('python')],
    ['is never ready', { ...exportsOf('/usr/bin/python3'), ready: new Promise(() => undefined) }],
  ] as const) {
    it(`is none of a Python extension that ${name}`, async () => {
      await is({ setting: '/opt/python', extension }, '/opt/python', 'setting');
      assert.equal(activated, 1);
    });
  }

  it('is not looked for in a folder that is not trusted', async () => {
    const theirs = await environment('conda');
    await environment('p/.venv');
    await is({ extension: exportsOf(theirs), trusted: false }, 'python3', 'usual');
    assert.equal(activated, 0);
  });
});
