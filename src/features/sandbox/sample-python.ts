import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { CancelledError, UserError } from '../../core/errors.ts';

/** What the sample's steps import: those on this machine, and those on a pod of the sandbox, which has this Python too. */
export const sampleModules = [
  'numpy',
  'pyarrow',
  'yaml',
  'torch',
  'transformers',
  'safetensors',
  'nbclient',
  'ipykernel',
];

/**
 * PyTorch comes with a pod's image, so the sample's requirements do not list it. The build for the CPU is a tenth of
 * the size; where no index offers it, the plain one does.
 */
const torch = ['torch==2.13.0+cpu', 'torch==2.13.0'];

/**
 * Those of some modules that a Python lacks, by the worker's command for it. Throws a UserError `python` when it cannot be
 * started.
 */
export async function missingModules(
  python: string,
  workerFile: string,
  modules: readonly string[] = sampleModules,
): Promise<string[]> {
  const output = await run([python, workerFile, 'modules', ...modules], {});
  return JSON.parse(output.trim().split('\n').at(-1) ?? '[]') as string[];
}

export interface EnvironmentOptions {
  /** Python that makes it. */
  python: string;
  /** The environment's folder; whatever is there is replaced. */
  folder: string;
  requirements: string;
  /** One package that is needed beside them: the first of these that can be had. */
  oneOf?: readonly string[];
  signal: AbortSignal;
  /** Told what happens, in a few words. */
  report: (text: string) => void;
}

/** Makes a virtual environment with what the sample needs, and answers the path of its Python. Leaves no half of one. */
export async function createEnvironment(options: EnvironmentOptions): Promise<string> {
  const { folder, signal, report } = options;
  const python =
    process.platform === 'win32' ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.dirname(folder), { recursive: true });
  try {
    report('making a virtual environment');
    await run([options.python, '-m', 'venv', folder], { signal });
    const pip = (...what: string[]): Promise<string> =>
      run([python, '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', ...what], {
        signal,
        onLine: (line) => {
          const name = /^(?:Collecting|Downloading) (\S+)/.exec(line)?.[1];
          report(name === undefined ? line.slice(0, 80) : `fetching ${path.basename(name)}`);
        },
      });
    report('installing packages; PyTorch is large, this takes some minutes');
    await firstThatWorks(options.oneOf ?? torch, pip);
    await pip('-r', options.requirements);
    return python;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function firstThatWorks(packages: readonly string[], install: (name: string) => Promise<string>): Promise<void> {
  for (const [index, name] of packages.entries()) {
    try {
      await install(name);
      return;
    } catch (error) {
      if (error instanceof CancelledError || index === packages.length - 1) {
        throw error;
      }
    }
  }
}

/** Runs a program to its end and answers its output. The last lines of what it said are the reason when it fails. */
function run(
  [command = '', ...args]: string[],
  options: { signal?: AbortSignal; onLine?: (line: string) => void },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal: options.signal });
    let output = '';
    let said = '';
    const take = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-8000);
      const last = said.trim().split('\n').at(-1);
      if (last !== undefined && last !== '') {
        options.onLine?.(last);
      }
    };
    child.stdout.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-100_000);
      take(chunk);
    });
    child.stderr.on('data', take);
    child.once('error', (error) => {
      reject(options.signal?.aborted ? new CancelledError() : failed(command, error.message));
    });
    child.once('close', (code) => {
      if (code === 0) {
        resolve(output);
      } else {
        reject(failed([command, ...args.slice(0, 3)].join(' '), said.trim().split('\n').slice(-3).join(' ')));
      }
    });
  });
}

function failed(what: string, why: string): UserError {
  return new UserError('python', {
    what: `"${what}" did not work.`,
    why,
    next: 'Choose another Python 3.10 or newer, with the venv module, in the setting runpodTrainer.python.',
  });
}
