import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../errors.ts';
import { writeFileAtomic } from '../files/atomic.ts';
import { withGateway } from '../transport/gateway/gateway.ts';
import type { Installation } from '../home/installation.ts';
import { isJobOf, podPrefix } from '../journal/id.ts';
import { doneOverLink } from '../pods/link.ts';
import type { OnEvent } from '../journal/run-event.ts';
import type { Candidate } from '../pods/hardware.ts';
import { planVolume } from '../pods/volume.ts';
import type { LoadedProject } from '../project/load.ts';
import type { Volume } from '../runpod/schemas.ts';
import type { VolumeStore } from '../s3/index.ts';
import type { FetchResult, TransferProgress } from '../transport/progress.ts';
import { fetchFiles } from '../transport/ssh/fetch.ts';
import { fetchOverS3 } from '../transport/s3/fetch.ts';
import type { RemoteFiles } from '../transport/ssh/worker-files.ts';
import type { RouteKind } from './plan/index.ts';
import { connectToPod, openStore, remoteFiles } from './ask-volume.ts';
import { s3AccessOf } from '../s3/s3-source.ts';

export interface BackupOptions {
  loaded: LoadedProject;
  /** Patterns of the project's files; everything unless told. */
  patterns?: readonly string[] | undefined;
  /** Folder of this machine; what is there from an earlier backup is not fetched again. */
  into: string;
  /** Unless told S3 where it is there, else a pod that runs with the volume, else a gateway. */
  route?: RouteKind | undefined;
  /** Asked with the price before a gateway is rented; false gives the backup up. */
  confirm: (offer: Candidate) => Promise<boolean>;
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

/** What `BACKUP.json` in the folder says. */
export interface BackupReport {
  schema: 1;
  project: string;
  volume: { id: string; name: string; dataCenter: string };
  route: RouteKind;
  patterns: readonly string[];
  started: string;
  finished: string;
  /** Fetched this time. */
  fetched: { files: number; bytes: number };
  /** Here already with the same content. */
  unchanged: number;
  /** All that lies in the folder now, also what is gone on the volume by now. */
  files: number;
  bytes: number;
  /** What could not be read, in words; empty for a complete backup. */
  notRead: string[];
}

const ignoreFile = '.runpodignore';

/**
 * Brings everything of a project home: its files on the volume into `files/`, the directories of its jobs into
 * `jobs/`. Each is verified and appears whole; a backup that was cut goes on where it stood, and the next one fetches
 * only what changed. Nothing here is deleted when it is gone on the volume. Answers undefined when the user did not want
 * the gateway. Rejects with `volume-missing`, the codes of the route, or CancelledError.
 */
export async function backup(installation: Installation, options: BackupOptions): Promise<BackupReport | undefined> {
  const { loaded, into, signal } = options;
  const project = loaded.project.name;
  const started = new Date().toISOString();
  const planned = await planVolume(installation.client, loaded.project.target.volume, signal);
  if (!planned.exists) {
    throw new UserError('volume-missing', {
      what: `There is no volume "${planned.name}" in this account.`,
      next: 'Nothing is there that could be fetched.',
    });
  }
  const { volume } = planned;
  const way = await wayTo(installation, volume, options);
  const patterns = options.patterns ?? ['**'];
  await mkdir(into, { recursive: true });
  // A backup inside of the project must not be uploaded again.
  await writeFileAtomic(path.join(into, ignoreFile), '*\n', 0o644);
  const got = new Fetched(options);
  const reached = await overRoute[way.route]({
    installation,
    project,
    patterns,
    volume,
    podId: way.podId,
    got,
    options,
  });
  if (!reached) {
    return undefined;
  }
  const { id, name, dataCenter } = volume;
  const { files, bytes } = await contentOf(into, ['BACKUP.json', '.runpod-trainer', ignoreFile]);
  const report: BackupReport = {
    schema: 1,
    project,
    volume: { id, name, dataCenter },
    route: way.route,
    patterns,
    started,
    finished: new Date().toISOString(),
    fetched: { files: got.files, bytes: got.bytes },
    unchanged: got.unchanged,
    files,
    bytes,
    notRead: got.notRead,
  };
  await writeFileAtomic(path.join(into, 'BACKUP.json'), `${JSON.stringify(report, undefined, 2)}\n`, 0o644);
  return report;
}

interface Work {
  installation: Installation;
  project: string;
  patterns: readonly string[];
  volume: Volume;
  podId: string | undefined;
  got: Fetched;
  options: BackupOptions;
}

/** Adds up what was fetched, and what could not be. */
class Fetched {
  files = 0;
  bytes = 0;
  unchanged = 0;
  notRead: string[] = [];
  readonly options: BackupOptions;

  constructor(options: BackupOptions) {
    this.options = options;
  }

  /** Fetches one folder; single files that cannot be read do not end the backup. */
  async add(fetching: () => Promise<FetchResult>): Promise<void> {
    const { files, bytes, unchanged, left } = await fetching();
    this.files += files;
    this.bytes += bytes;
    this.unchanged += unchanged;
    this.notRead.push(...left.map(({ path: name, reason }) => `${JSON.stringify(name)}: ${reason}`));
  }

  get common(): { onProgress: (progress: TransferProgress) => void; signal: AbortSignal | undefined } {
    const { onEvent, signal } = this.options;
    return { onProgress: (progress) => onEvent({ type: 'transfer', direction: 'down', ...progress }), signal };
  }
}

const overRoute: Record<RouteKind, (work: Work) => Promise<boolean>> = {
  s3: async (work) => {
    const store = await openStore(work.installation, work.volume);
    try {
      await fromStore(store, work);
    } finally {
      await store.close();
    }
    return true;
  },
  ssh: async (work) => {
    const { installation, podId, project, options } = work;
    const { onEvent, signal } = options;
    if (podId === undefined) {
      throw new UserError('no-pod', {
        what: 'No pod runs with the volume.',
        next: 'Take another route: S3 or a helper pod.',
      });
    }
    const { connection } = await doneOverLink(
      {
        connect: () => connectToPod(installation, podId, signal),
        work: async (open) => fromPod(await remoteFiles(installation, open, podId, project, signal), work),
        meanwhile: () => 'nothing that arrived is fetched again',
        onEvent,
        signal,
      },
      () =>
        new UserError('pod-gone', {
          what: 'The pod is gone.',
          next: 'Start again; what arrived is not fetched again.',
        }),
    );
    connection.close();
    return true;
  },
  gateway: async (work) => {
    const { installation, project, volume, options } = work;
    const { confirm, onEvent, signal, loaded } = options;
    const { mount } = loaded.project.target;
    const name = `${podPrefix}${project}-backup`;
    const request = { volume, name, purpose: 'backup' as const, project, mount, confirm, onEvent, signal };
    const done = await withGateway(installation, request, async (gateway) => {
      const { connection, worker } = gateway;
      await fromPod({ connection, worker: worker.argv, root: `${gateway.mount}/projects/${project}` }, work);
      return true;
    });
    return done === true;
  },
};

async function fromPod(remote: RemoteFiles, { project, patterns, got, options: { into } }: Work): Promise<void> {
  await got.add(() => fetchFiles({ ...remote, ...got.common, patterns, into: path.join(into, 'files') }));
  const records = remote.root.replace(/\/projects\/[^/]+$/, '/.runpod-trainer');
  const { stdout } = await remote.connection.exec(['ls', '-A', '--', `${records}/jobs`], got.common);
  for (const job of stdout
    .toString('utf8')
    .split('\n')
    .filter((name) => isJobOf(project, name))) {
    const root = `${records}/jobs/${job}`;
    await got.add(() =>
      fetchFiles({ ...remote, ...got.common, root, patterns: ['**'], into: path.join(into, 'jobs', job) }),
    );
  }
}

async function fromStore(store: VolumeStore, { project, patterns, got, options: { into } }: Work): Promise<void> {
  await got.add(() => fetchOverS3({ store, project, ...got.common, patterns, into: path.join(into, 'files') }));
  const jobs = '.runpod-trainer/jobs';
  const names = (await store.list(jobs, got.options.signal)).flatMap((item) =>
    item.kind === 'folder' ? [item.name] : [],
  );
  for (const job of names.filter((name) => isJobOf(project, name))) {
    const folder = `${jobs}/${job}`;
    const to = path.join(into, 'jobs', job);
    await got.add(() => fetchOverS3({ store, project, folder, ...got.common, patterns: ['**'], into: to }));
  }
}

/** The route that costs nothing where there is one. */
async function wayTo(
  installation: Installation,
  volume: Volume,
  { route, signal }: BackupOptions,
): Promise<{ route: RouteKind; podId: string | undefined }> {
  if (route === 's3' || (route === undefined && (await hasS3(installation, volume)))) {
    return { route: 's3', podId: undefined };
  }
  if (route === 'gateway') {
    return { route, podId: undefined };
  }
  const pod = (await installation.client.pods.list(signal)).find(
    ({ status, ssh, mounts }) =>
      status === 'RUNNING' && ssh.direct !== null && mounts.network.some((mount) => mount.volumeId === volume.id),
  );
  return { route: pod === undefined && route === undefined ? 'gateway' : 'ssh', podId: pod?.id };
}

async function hasS3({ s3 }: Installation, { dataCenter }: Volume): Promise<boolean> {
  return (await s3AccessOf(s3, dataCenter)) !== undefined;
}

/** Files and bytes below a folder, without those below the names given; links are not followed. */
export async function contentOf(
  folder: string,
  without: readonly string[] = [],
): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (without.includes(entry.name)) {
      continue;
    }
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      const inside = await contentOf(place, without);
      files += inside.files;
      bytes += inside.bytes;
    } else if (entry.isFile()) {
      files += 1;
      bytes += (await stat(place)).size;
    }
  }
  return { files, bytes };
}
