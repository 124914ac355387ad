import { missingFiles } from '../files/missing.ts';
import path from 'node:path';
import { throwIfCancelled, UserError } from '../errors.ts';
import { withGateway } from '../transport/gateway/gateway.ts';
import type { Installation } from '../home/installation.ts';
import { doneOverLink } from '../pods/link.ts';
import { podPrefix } from '../journal/id.ts';
import type { OnEvent } from '../journal/run-event.ts';
import type { Candidate } from '../pods/hardware.ts';
import { ensureVolume, planVolume } from '../pods/volume.ts';
import type { LoadedProject } from '../project/load.ts';
import type { Volume } from '../runpod/schemas.ts';
import type { HashedFile } from '../files/hash.ts';
import { mayLeave, type Leaving } from '../files/leaving.ts';
import { secretSearchOf } from '../files/to-upload.ts';
import { push } from '../transport/ssh/push.ts';
import { pushOverS3 } from '../transport/s3/push.ts';
import { putFilesState, removeFiles } from '../transport/ssh/put-files.ts';
import type { RemoteFiles } from '../transport/ssh/worker-files.ts';
import {
  preparePlan,
  rememberTransfer,
  type ManifestFiles,
  type PreparedPlan,
  type PrepareOptions,
  type RouteKind,
} from './plan/index.ts';
import { Adoption, type AskAdopt } from './origins.ts';
import { connectToPod, farEnd, openStore, readPut, remoteFiles } from './ask-volume.ts';

export interface SyncOptions {
  /** Files that changed on both sides and shall be replaced by those of this machine; none unless told. */
  replace?: 'all' | ReadonlySet<string> | undefined;
  /** Asked with the price before a gateway is rented; false gives the transfer up. */
  confirm: (offer: Candidate) => Promise<boolean>;
  /** Asked when another folder has filled the project on the volume; nobody agrees unless told. */
  adopt?: AskAdopt | undefined;
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

export interface SyncResult {
  route: RouteKind;
  volume: { id: string; name: string; dataCenter: string };
  /** Files that were put in place, and the bytes that had to be sent for them. */
  sent: number;
  bytes: number;
  deleted: number;
  /** Files that changed on both sides and were left as they are. */
  left: string[];
  seconds: number;
}

/** The plan of a project's transfer, compared with the volume where asking it costs nothing. */
export function planSync(
  installation: Installation,
  loaded: LoadedProject,
  options: Pick<PrepareOptions, 'route' | 'deletes' | 'signal'> = {},
): Promise<PreparedPlan> {
  const project = loaded.project.name;
  return preparePlan(loaded, { ...options, installation, farEnd: (around) => farEnd(installation, project, around) });
}

/**
 * Carries a plan out: creates the volume when it does not exist, sends, deletes what the plan names, and remembers what
 * the volume has. Answers undefined when the user did not want the gateway. Rejects with `files-missing` or `secrets-found` before
 * anything starts, the codes of the route, or CancelledError; what arrived whole is not sent again.
 */
export async function runSync(
  installation: Installation,
  loaded: LoadedProject,
  prepared: PreparedPlan,
  options: SyncOptions,
): Promise<SyncResult | undefined> {
  const { plan } = prepared;
  refuseMissing(prepared);
  const chosen = plan.conflicts.map(
    ({ path: name }) => options.replace === 'all' || options.replace?.has(name) === true,
  );
  const files = await mayLeave([...prepared.send, ...prepared.conflicts.filter((_, i) => chosen[i])], {
    ...secretSearchOf(loaded),
    signal: options.signal,
  });
  const began = performance.now();
  const volume = await ensureVolume(
    installation.client,
    await planVolume(installation.client, loaded.project.target.volume, options.signal),
    options.signal,
  );
  const { root } = loaded;
  const adoption = new Adoption(options.adopt);
  await adoption.checkRecords(installation.records, { root, project: loaded.project.name, volume: volume.id });
  const work: Work = {
    installation,
    root,
    adoption,
    project: loaded.project.name,
    mount: loaded.project.target.mount,
    volume,
    podId: plan.route.podId,
    files,
    deletes: plan.deletes,
    options,
  };
  const moved = await routes[plan.route.kind](work);
  if (moved === undefined) {
    return undefined;
  }
  const seconds = (performance.now() - began) / 1000;
  const { sent, bytes, deleted, put } = moved;
  await rememberTransfer(loaded.root, volume, { route: plan.route.kind, bytes, seconds, files: put });
  const left = [...plan.conflicts.filter((_, i) => !chosen[i]).map((conflict) => conflict.path), ...moved.left];
  const { id, name, dataCenter } = volume;
  return { route: plan.route.kind, volume: { id, name, dataCenter }, sent, bytes, deleted, left, seconds };
}

interface Work {
  installation: Installation;
  /** The project's folder on this machine. */
  root: string;
  adoption: Adoption;
  project: string;
  mount: string;
  volume: Volume;
  podId: string | null;
  files: Leaving<HashedFile>[];
  deletes: string[];
  options: SyncOptions;
}

interface Moved {
  sent: number;
  bytes: number;
  deleted: number;
  left: string[];
  /** What transfers have put there now. */
  put: ManifestFiles;
}

const routes: Record<RouteKind, (work: Work) => Promise<Moved | undefined>> = {
  s3: overS3,
  ssh: overSsh,
  gateway: overGateway,
};

async function overS3({
  installation,
  root,
  adoption,
  project,
  volume,
  files,
  deletes,
  options,
}: Work): Promise<Moved> {
  const { onEvent, signal } = options;
  const store = await openStore(installation, volume);
  try {
    await adoption.agreeOverS3(store, { root, project, volume: volume.id }, signal);
    const { sent, bytes, deleted, conflicts } = await pushOverS3({
      store,
      project,
      files,
      deletes,
      journals: path.join(installation.home, 'transfers'),
      // A conflict that appears only now is left and told.
      overwrite: options.replace,
      onProgress: (progress) => onEvent({ type: 'transfer', direction: 'up', ...progress }),
      signal,
    });
    const put = await readPut(store, project, signal);
    return { sent, bytes, deleted, left: conflicts.map((conflict) => conflict.path), put };
  } finally {
    await store.close();
  }
}

async function overSsh(work: Work): Promise<Moved> {
  const { installation, podId, project, options } = work;
  const { onEvent, signal } = options;
  if (podId === null) {
    throw new Error('A plan over SSH names its pod.');
  }
  const { value, connection } = await doneOverLink(
    {
      connect: () => connectToPod(installation, podId, signal),
      work: async (open) => pushTo(await remoteFiles(installation, open, podId, project, signal), work),
      meanwhile: () => 'nothing that arrived is sent again',
      onEvent,
      signal,
    },
    podGone,
  );
  connection.close();
  return value;
}

function overGateway(work: Work): Promise<Moved | undefined> {
  const { installation, project, mount, volume, options } = work;
  const { confirm, onEvent, signal } = options;
  const name = `${podPrefix}${project}-sync`;
  const request = { volume, name, purpose: 'sync' as const, project, mount, confirm, onEvent, signal };
  return withGateway(installation, request, (gateway) =>
    pushTo(
      {
        connection: gateway.connection,
        worker: gateway.worker.argv,
        root: `${gateway.mount}/projects/${project}`,
      },
      work,
    ),
  );
}

async function pushTo(remote: RemoteFiles, work: Work): Promise<Moved> {
  const { root, adoption, project, volume, files, deletes, options } = work;
  const { onEvent, signal } = options;
  await adoption.agreeOverSsh(remote, { root, project, volume: volume.id }, signal);
  const { sent, bytes } = await push({
    ...remote,
    files,
    // Conflicts that the plan could see are decided; one that appears only now is told before anything is sent.
    overwrite: replaced(options.replace),
    onProgress: (progress) => onEvent({ type: 'transfer', direction: 'up', ...progress }),
    signal,
  });
  throwIfCancelled(signal);
  const removed = deletes.length === 0 ? [] : await removeFiles(remote, deletes, signal);
  const left = removed.filter((answer) => !answer.ok).map((answer) => answer.path);
  const { put } = await putFilesState(remote, [], signal);
  return { sent, bytes, deleted: removed.length - left.length, left, put };
}

function replaced(replace: SyncOptions['replace']): 'always' | ReadonlySet<string> {
  return replace === 'all' ? 'always' : (replace ?? new Set());
}

/** What the project must have on the volume has to be here before anything is paid for. */
function refuseMissing({ plan }: PreparedPlan): void {
  const missing = plan.missing.filter((entry) => entry.list !== 'optional');
  if (missing.length > 0) {
    throw missingFiles(missing, { ignored: plan.ignored, notes: plan.leftOut });
  }
}

function podGone(): UserError {
  return new UserError('pod-gone', {
    what: 'The pod that the files went through is gone.',
    why: 'It was ended from outside, or its host failed.',
    next: 'Start again; what has arrived is not sent again.',
  });
}
