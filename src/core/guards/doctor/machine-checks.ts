import { byteText } from '../../words/index.ts';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecResult, SshConnection } from '../../ssh/index.ts';
import { pythonOn } from '../../pods/install-worker.ts';
import { failed, ok, skipped, unknown, type Finding, type Probe, type Visit } from './check.ts';
import { greeting } from './link-checks.ts';

/** Container disk below which a run is likely to fail, in kilobytes. */
const leastFreeKb = 1_000_000;
/** Difference of the clocks that is worth a word, in seconds; leases and meters live with less. */
const skewAllowed = 30;

/** What the pod itself can do, over the open connection. */
export const machineProbes: readonly Probe[] = [
  { id: 'exec', title: 'Commands', needs: ['login'], run: tryExec },
  { id: 'sftp', title: 'Files (SFTP)', needs: ['login'], run: trySftp },
  { id: 'forward', title: 'Port forwarding', needs: ['exec'], run: tryForward },
  { id: 'disk', title: 'Container disk', needs: ['exec'], run: lookAtDisk },
  { id: 'volume', title: 'Volume', needs: ['sftp', 'exec'], run: lookAtVolume },
  { id: 'gpu', title: 'GPU', needs: ['exec'], run: lookAtGpu },
  { id: 'python', title: 'Python', needs: ['exec'], run: lookAtPython },
  { id: 'clock', title: 'Clock', needs: ['exec'], run: compareClocks },
];

function connectionOf({ connection }: Visit): SshConnection {
  if (connection === undefined) {
    throw new Error('There is no connection.');
  }
  return connection;
}

function textOf(result: ExecResult): string {
  return result.stdout.toString('utf8').trim();
}

async function tryExec(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const word = randomBytes(6).toString('hex');
  const script = 'printf "%s %s" "$1" "$SSH_CONNECTION"';
  const result = await connectionOf(visit).exec(['sh', '-c', script, 'sh', word], { signal });
  const text = textOf(result);
  if (result.code !== 0 || !text.startsWith(word)) {
    return failed(
      `a command ended with code ${result.code} and said something else than it was told to`,
      'A start file of the shell (such as ~/.bashrc) prints or fails in sessions without a terminal: let it do nothing there.',
    );
  }
  const port = Number(text.split(' ').at(-1));
  if (Number.isInteger(port)) {
    visit.innerPort = port;
  }
  return ok('a command ran and its output came back');
}

async function trySftp(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const sftp = await connectionOf(visit).sftp(signal);
  const mount = visit.pod?.mounts.network[0]?.path;
  const folder = mount === undefined ? '/tmp' : `${mount}/.runpod-trainer`;
  const remote = `${folder}/doctor-${randomBytes(6).toString('hex')}`;
  const local = await mkdtemp(join(tmpdir(), 'runpod-trainer-doctor-'));
  const data = randomBytes(256 * 1024);
  let written = false;
  try {
    await sftp.makeFolder(folder);
    written = true;
    const up = await sftp.put(data, remote, { signal });
    const down = await sftp.get(remote, join(local, 'probe'), { signal });
    if (up.sha256 !== down.sha256) {
      return failed(
        `${remote} came back with other content than was written`,
        'Do not train on this volume before the cause is known; write to RunPod support with the name of the data center.',
      );
    }
    await sftp.remove(remote);
    written = false;
    return ok(`256 KB written, read back and removed in ${folder}`);
  } finally {
    if (written) {
      await sftp.remove(remote).catch(() => undefined);
    }
    await rm(local, { recursive: true, force: true });
  }
}

async function tryForward(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const port = visit.innerPort ?? 22;
  const channel = await connectionOf(visit).tunnel(port, signal);
  const stop = (): void => void channel.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return ok(`a tunnel to the pod's port ${port} answers: ${await greeting(channel)}`);
  } finally {
    signal.removeEventListener('abort', stop);
    channel.destroy();
  }
}

/** Total and available space of a file system in kilobytes, as `df -Pk` says. */
async function spaceOf(
  visit: Visit,
  path: string,
  signal: AbortSignal,
): Promise<{ total: number; free: number } | undefined> {
  const text = textOf(await connectionOf(visit).exec(['df', '-Pk', path], { signal }));
  const [, total, , free] = text.split('\n').at(-1)?.split(/\s+/) ?? [];
  return total === undefined || !/^\d+$/.test(free ?? '') ? undefined : { total: Number(total), free: Number(free) };
}

const gb = (kilobytes: number): string => byteText(kilobytes * 1024);

async function lookAtDisk(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const space = await spaceOf(visit, '/', signal);
  if (space === undefined) {
    return unknown('df gave no answer that makes sense');
  }
  const seen = `${gb(space.free)} free`;
  return space.free < leastFreeKb
    ? failed(
        `only ${seen}`,
        'Raise "target.disk" in the project file (it is wiped at every stop, so nothing is lost), or keep caches such as HF_HOME on the volume.',
      )
    : ok(seen);
}

async function lookAtVolume(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const mount = visit.pod?.mounts.network[0]?.path;
  if (mount === undefined) {
    return failed(
      'the pod has no network volume: everything on it is lost when it ends',
      'A volume can be attached only when a pod is created: terminate this one and start it with RunPod Trainer.',
    );
  }
  const space = await spaceOf(visit, mount, signal);
  const shown = space === undefined ? '' : ` (${gb(space.free)} of ${gb(space.total)})`;
  return unknown(
    `${mount} takes writes; how full it is cannot be told quickly: df shows the whole cluster${shown}, not this volume`,
    `Run "du -s ${mount}" on the pod when in doubt; over many small files it takes minutes. A full volume says "Disk quota exceeded".`,
  );
}

async function lookAtGpu(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const gpu = visit.pod?.gpu ?? null;
  if (gpu === null) {
    return skipped('this is a CPU pod');
  }
  const argv = ['nvidia-smi', '--query-gpu=name,driver_version', '--format=csv,noheader'];
  const result = await connectionOf(visit).exec(argv, { signal });
  const lines = textOf(result)
    .split('\n')
    .filter((line) => line !== '');
  const replace = 'Terminate the pod and start again to get another host; steps that are finished are skipped.';
  if (result.code !== 0) {
    const missing = result.code === 127;
    return gpu.id.startsWith('NVIDIA')
      ? failed(
          missing ? `nvidia-smi is missing on a pod with ${gpu.id}` : `nvidia-smi failed with code ${result.code}`,
          missing
            ? 'The image or the host gives the container no NVIDIA driver. Use an image with CUDA, or terminate the pod and start again to get another host.'
            : replace,
        )
      : unknown(`${gpu.id} is not an NVIDIA GPU, so nvidia-smi tells nothing`);
  }
  if (lines.length < gpu.count) {
    return failed(
      `${lines.length} of ${gpu.count} GPUs are there`,
      `A stopped pod that was started again may get none, because its host has rented them out. ${replace}`,
    );
  }
  const [name, driver] = lines[0]?.split(',').map((part) => part.trim()) ?? [];
  return ok(`${lines.length > 1 ? `${lines.length} × ` : ''}${name ?? ''}, driver ${driver ?? 'unknown'}`);
}

async function lookAtPython(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const result = await pythonOn(connectionOf(visit), visit.installation.workerFile, signal);
  const version = textOf(result);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const remedy = 'Use an image with Python 3.9 or newer as python3, such as an official RunPod image.';
  if (result.code !== 0) {
    return failed(`python3 does not run (code ${result.code})`, remedy);
  }
  return major > 3 || (major === 3 && minor >= 9) ? ok(version) : failed(`python3 is ${version}`, remedy);
}

async function compareClocks(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const before = Date.now();
  const result = await connectionOf(visit).exec(['date', '+%s'], { signal });
  const middle = (before + Date.now()) / 2;
  const there = Number(textOf(result));
  if (result.code !== 0 || !Number.isFinite(there) || there === 0) {
    return unknown('the pod did not tell its time');
  }
  // `date` cuts fractions off: on the average it is half a second behind.
  const skew = Math.round(there + 0.5 - middle / 1000);
  if (Math.abs(skew) <= skewAllowed) {
    return ok(Math.abs(skew) <= 1 ? 'the same time here and there' : `${Math.abs(skew)} s apart`);
  }
  return failed(
    `the pod is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine`,
    'Set the clock of this machine by network time. If it is right, the host of the pod is wrong: start again to get another one. Until then times and cost are shown wrongly.',
  );
}
