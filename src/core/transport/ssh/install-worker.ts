import { randomBytes } from 'node:crypto';
import { UserError } from '../../errors.ts';
import type { SshConnection } from '../../ssh/index.ts';
import { sha256Of } from '../../files/hash.ts';

/** Prints the sha256 of the file, or nothing when it is not there. */
const digestScript = `
import hashlib, sys
try:
    print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())
except FileNotFoundError:
    pass
`;

/** Renames upload to place when its sha256 is right, and prints what it is; a wrong upload is removed. */
const placeScript = `
import hashlib, os, sys
upload, place, wanted = sys.argv[1:]
seen = hashlib.sha256(open(upload, "rb").read()).hexdigest()
if seen == wanted:
    os.replace(upload, place)
else:
    os.remove(upload)
print(seen)
`;

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
  const folder = `${mount}/.runpod-trainer/worker`;
  const place = `${folder}/${sha256}.pyz`;
  if ((await runPython(connection, python, digestScript, [place], signal)) === sha256) {
    return place;
  }
  const sftp = await connection.sftp(signal);
  await sftp.makeFolder(folder);
  const upload = `${place}.${randomBytes(6).toString('hex')}.part`;
  try {
    await sftp.put(localPyz, upload, { signal });
  } catch (error) {
    await sftp.remove(upload).catch(() => undefined);
    throw error;
  }
  const seen = await runPython(connection, python, placeScript, [upload, place, sha256], signal);
  if (seen !== sha256) {
    throw new UserError('worker-install', {
      what: 'The worker did not arrive whole on the volume.',
      why: `Its sha256 there is ${seen}, here it is ${sha256}.`,
      next: 'Try again; if it stays so, check that the volume is not full.',
    });
  }
  return place;
}

async function runPython(
  connection: SshConnection,
  python: string,
  script: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const result = await connection.exec([python, '-c', script, ...args], { signal });
  if (result.code === 127 || result.code === 126) {
    throw new UserError('no-python', {
      what: `The pod has no ${python}.`,
      why: result.stderr.trim(),
      next: 'Use an image with Python 3.9 or newer, or name its Python in "target.python" of the project file.',
    });
  }
  if (result.code !== 0) {
    throw new UserError('worker-install', {
      what: 'The worker could not be put on the volume.',
      why: result.stderr.trim().slice(-500),
      next: 'Check that the volume can be written and is not full.',
    });
  }
  return result.stdout.toString('utf8').trim();
}
