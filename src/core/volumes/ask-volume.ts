import { UserError } from '../errors.ts';
import type { Installation } from '../home/installation.ts';
import { connectTo, findPod, mountOf } from '../pods/ready.ts';
import { VolumeStore } from '../s3/index.ts';
import type { SshConnection } from '../ssh/index.ts';
import { installWorker } from '../pods/install-worker.ts';
import { own } from '../json.ts';
import { mustBeRead } from '../transport/far-file.ts';
import { lookAt, readDoubtful } from '../transport/s3/compare.ts';
import { putFilesState } from '../transport/ssh/put-files.ts';
import { readManifest } from '../transport/s3/manifest.ts';
import type { RemoteFiles } from '../transport/ssh/worker-files.ts';
import type { AskFar, FarState, HereFile, ManifestFiles, Surroundings } from './plan/index.ts';
import { s3AccessOf } from '../s3/s3-source.ts';

/** Requests side by side. */
const lanes = 16;

/**
 * How to ask, for nothing, what lies on the project's volume: over S3, else through a pod that runs with it. Undefined
 * where neither is there.
 */
export function farEnd(installation: Installation, project: string, around: Surroundings): AskFar | undefined {
  const { volume, s3, pods } = around;
  const { id, dataCenter } = volume;
  if (id === null || dataCenter === null) {
    return undefined;
  }
  if (s3.endpoint === 'yes' && s3.keys) {
    return async (signal, files) => {
      const store = await openStore(installation, { id, dataCenter });
      try {
        return await askStore(store, project, files, signal);
      } finally {
        await store.close();
      }
    };
  }
  const [pod] = pods;
  return pod === undefined
    ? undefined
    : (signal, files) => onPod(installation, pod.id, project, signal, (remote) => askPod(remote, files, signal));
}

/** The volume over S3. Rejects with `s3-none` where the data center has no S3 or this installation no keys. */
export async function openStore(
  installation: Pick<Installation, 's3'>,
  volume: { id: string; dataCenter: string },
): Promise<VolumeStore> {
  const access = await s3AccessOf(installation.s3, volume.dataCenter);
  if (access === undefined) {
    throw new UserError('s3-none', {
      what: `The volume cannot be reached over S3.`,
      why: `Either ${volume.dataCenter} has no S3 API, or there are no S3 keys on this machine.`,
      next: 'Set S3 keys (RunPod console, Settings, S3 API Keys), or take another route.',
      remedies: [{ do: 'set-s3-keys' }],
    });
  }
  return new VolumeStore(access, volume.id);
}

/** What transfers put there, and what is there now, under these names and those of `files`. */
export async function askStore(
  store: VolumeStore,
  project: string,
  files: readonly HereFile[],
  signal: AbortSignal | undefined,
  isAbout: (path: string) => boolean = () => true,
): Promise<FarState> {
  const put = await readPut(store, project, signal);
  const here = new Map(files.map((file) => [file.path, file]));
  const paths = [...new Set([...here.keys(), ...Object.keys(put)])].filter(isAbout);
  const found = await lookAt(store, project, paths, lanes, signal);
  await readDoubtful(
    store,
    project,
    found,
    (path, there) => mustBeRead(here.get(path), own(put, path), there),
    lanes,
    signal,
  );
  const actual = Object.fromEntries(paths.map((path) => [path, found.get(path) ?? null]));
  return { kind: 'volume', at: new Date().toISOString(), files: put, actual };
}

/** What transfers put there. */
export async function readPut(
  store: VolumeStore,
  project: string,
  signal: AbortSignal | undefined,
): Promise<ManifestFiles> {
  return Object.fromEntries(await readManifest(store, project, signal));
}

/** As {@link askStore}, through a pod. */
export async function askPod(
  remote: RemoteFiles,
  files: readonly HereFile[],
  signal: AbortSignal | undefined,
): Promise<FarState> {
  const { put, there } = await putFilesState(remote, files, signal);
  return { kind: 'volume', at: new Date().toISOString(), files: put, actual: there };
}

/** Does `work` with the project's folder on a pod that runs. */
async function onPod<T>(
  installation: Installation,
  podId: string,
  project: string,
  signal: AbortSignal | undefined,
  work: (remote: RemoteFiles) => Promise<T>,
): Promise<T> {
  const connection = await connectToPod(installation, podId, signal);
  try {
    return await work(await remoteFiles(installation, connection, podId, project, signal));
  } finally {
    connection.close();
  }
}

/** A connection to a pod that should run. Rejects with `pod-gone` when it does not any more. */
export async function connectToPod(
  installation: Installation,
  podId: string,
  signal: AbortSignal | undefined,
): Promise<SshConnection> {
  const pod = await findPod(installation.client, podId, signal);
  if (pod === undefined) {
    throw new UserError('pod-gone', {
      what: 'The pod that the files were to go through is gone.',
      next: 'Plan again; another way is chosen.',
    });
  }
  return connectTo(pod, installation, signal);
}

/** The project's folder over a connection; puts the worker there when it is not. */
export async function remoteFiles(
  installation: Installation,
  connection: SshConnection,
  podId: string,
  project: string,
  signal: AbortSignal | undefined,
): Promise<RemoteFiles> {
  const pod = await installation.client.pods.get(podId, signal);
  const mount = mountOf(pod);
  const worker = await installWorker(connection, mount, installation.workerFile, signal);
  return { connection, worker: ['python3', worker], root: `${mount}/projects/${project}` };
}
