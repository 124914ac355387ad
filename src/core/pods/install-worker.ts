import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { ExecResult, SshConnection } from '../ssh/index.ts';
import { sha256Of } from '../files/hash.ts';

const lookSchema = z.object({
  /** Where the worker lies whole. */
  found: z.string().nullable(),
  /** Where it may be put, the best first. */
  folders: z.array(z.string()),
});
const placeSchema = z.object({ sha256: z.string() });

/**
 * Makes sure that the worker lies on the volume under its sha256 and returns its path there. Nothing is sent when it is
 * there and whole. Rejects with `no-python`, `worker-install`, an SshError or CancelledError.
 */
export async function installWorker(
  connection: SshConnection,
  mount: string,
  localPyz: string,
  signal?: AbortSignal,
  python = 'python3',
): Promise<string> {
  const sha256 = await sha256Of(localPyz, signal);
  const installer = await installerOf(localPyz);
  const { found } = await ask(connection, python, installer, ['look', sha256, folderOn(mount)], lookSchema, signal);
  return found ?? put({ connection, python, installer, localPyz, sha256, signal }, folderOn(mount));
}

/**
 * The same for one that looks at a pod, or makes room on it: what lies on the volume serves, but else it is put on the
 * pod's own disk or in its memory, so that looking writes nothing to the volume and works when that is full or cannot be
 * written to. Only where the pod itself has no room it goes to the volume. Without a mount only the pod itself counts.
 */
export async function workerSomewhere(
  connection: SshConnection,
  mount: string | undefined,
  localPyz: string,
  signal?: AbortSignal,
): Promise<string> {
  const python = 'python3';
  const sha256 = await sha256Of(localPyz, signal);
  const installer = await installerOf(localPyz);
  const command = ['look', sha256, mount === undefined ? '' : folderOn(mount), 'own'];
  const { found, folders } = await ask(connection, python, installer, command, lookSchema, signal);
  if (found !== null) {
    return found;
  }
  const what = { connection, python, installer, localPyz, sha256, signal };
  let reason: UserError | undefined;
  for (const folder of folders) {
    try {
      return await put(what, folder);
    } catch (error) {
      if (signal?.aborted === true || !(error instanceof UserError) || !refused.has(error.code)) {
        throw error;
      }
      reason ??= error;
    }
  }
  throw reason ?? notPut('There is no folder that can be written to.');
}

/** What a folder that cannot be written to, or is full, answers. */
const refused: ReadonlySet<string> = new Set(['ssh-sftp', 'worker-install']);

/** What the pod's Python says of its version, which may be older than the worker can use. */
export async function pythonOn(connection: SshConnection, localPyz: string, signal: AbortSignal): Promise<ExecResult> {
  return connection.exec(['python3', '-c', await installerOf(localPyz), 'version'], { signal });
}

const folderOn = (mount: string): string => `${mount}/.runpod-trainer/worker`;

/** The program that puts the worker in place (gpu-worker/bootstrap/install.py); it lies beside the worker. */
function installerOf(localPyz: string): Promise<string> {
  return readFile(join(dirname(localPyz), 'install.py'), 'utf8');
}

interface Installing {
  connection: SshConnection;
  python: string;
  installer: string;
  localPyz: string;
  sha256: string;
  signal: AbortSignal | undefined;
}

async function put(what: Installing, folder: string): Promise<string> {
  const { connection, python, installer, localPyz, sha256, signal } = what;
  const place = `${folder}/${sha256}.pyz`;
  const sftp = await connection.sftp(signal);
  await sftp.makeFolder(folder);
  const upload = `${place}.${randomBytes(6).toString('hex')}.part`;
  try {
    await sftp.put(localPyz, upload, { signal });
  } catch (error) {
    await sftp.remove(upload).catch(() => undefined);
    throw error;
  }
  const seen = await ask(connection, python, installer, ['place', upload, place, sha256], placeSchema, signal);
  if (seen.sha256 !== sha256) {
    throw new UserError('worker-install', {
      what: 'The worker did not arrive whole on the volume.',
      why: `Its sha256 there is ${seen.sha256}, here it is ${sha256}.`,
      next: 'Try again; if it stays so, check that the volume is not full.',
    });
  }
  return place;
}

async function ask<T>(
  connection: SshConnection,
  python: string,
  installer: string,
  command: readonly string[],
  answer: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const result = await connection.exec([python, '-c', installer, ...command], { signal });
  if (result.code === 127 || result.code === 126) {
    throw new UserError('no-python', {
      what: `The pod has no ${python}.`,
      why: result.stderr.trim(),
      next: 'Use an image with Python 3.9 or newer, or name its Python in "target.python" of the project file.',
    });
  }
  const parsed = answer.safeParse(parseJson(result.stdout.toString('utf8')));
  if (result.code !== 0 || !parsed.success) {
    throw notPut(result.stderr.trim().slice(-500));
  }
  return parsed.data;
}

function notPut(why: string): UserError {
  return new UserError('worker-install', {
    what: 'The worker could not be put on the volume.',
    why,
    next: 'Check that the volume can be written and is not full.',
  });
}
