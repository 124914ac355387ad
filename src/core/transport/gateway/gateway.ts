import { askerOf, type Installation } from '../../home/installation.ts';
import { recorded } from '../../caps/meter.ts';
import { spent } from '../../caps/stretches.ts';
import type { HelperPurpose } from '../../journal/helper-use.ts';
import { HelperPods } from '../../journal/helpers.ts';
import { helperVariable, projectVariable } from '../../journal/id.ts';
import { doneOverLink } from '../../pods/link.ts';
import { linkPatienceMinutes } from '../../pods/link-state.ts';
import type { OnEvent } from '../../journal/run-event.ts';
import { RemoteWorker } from '../../pods/worker.ts';
import { UserError } from '../../errors.ts';
import { dollars, priced } from '../../words/index.ts';
import { endPod } from '../../pods/end.ts';
import type { Candidate } from '../../pods/hardware.ts';
import { connectTo, findPod, waitUntilReady } from '../../pods/ready.ts';
import { rentPod } from '../../pods/rent.ts';
import type { Pod, Volume } from '../../runpod/schemas.ts';
import type { SshConnection } from '../../ssh/index.ts';
import { installWorker } from '../../pods/install-worker.ts';
import { gatewayDiskGb, gatewayOffers } from './offer.ts';

const image = 'runpod/base:1.0.2-ubuntu2404';
const readyMinutes = 10;
/** A gateway that no client has reached ends itself after so many minutes: it answers by then, and is guarded at once. */
const aloneMinutes = readyMinutes + 2;
/**
 * A gateway whose client has died ends itself after so many minutes, which outlast the client's patience with its link; a
 * client at work renews this every `renewEvery`.
 */
const guardMinutes = linkPatienceMinutes + 5;
const renewEvery = 60_000;

export interface GatewayRequest {
  volume: Volume;
  /** Name of the pod. */
  name: string;
  purpose: HelperPurpose;
  project: string;
  /** The job whose results are fetched. */
  job?: string | undefined;
  /** Where the volume should be mounted. */
  mount?: string | undefined;
  /** Asked before anything is rented, with the price; false gives the work up. */
  confirm: (offer: Candidate) => Promise<boolean>;
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

/** A pod that carries files, while it is there. */
export interface Gateway {
  pod: Pod;
  connection: SshConnection;
  /** Where the volume is mounted, as the API says. */
  mount: string;
  /** The worker's commands there; its file is on the volume. */
  worker: RemoteWorker;
  /** Path of that file. */
  workerPath: string;
}

/**
 * Rents the cheapest pod that can carry files to and from a volume, does `work` on it over as many links as it takes,
 * and terminates it in any case. A client that dies leaves a pod that ends itself within a quarter of an hour. Answers undefined
 * when `confirm` said no.
 */
export async function withGateway<T>(
  installation: Installation,
  request: GatewayRequest,
  work: (gateway: Gateway) => Promise<T>,
): Promise<T | undefined> {
  const { client } = installation;
  const { volume, name, onEvent, signal } = request;
  const offers = await gatewayOffers(client, volume.dataCenter, signal);
  if (!(await request.confirm(offers[0]))) {
    return undefined;
  }
  const { pod, candidate } = await rentPod(
    installation,
    {
      name,
      aloneMinutes,
      target: { image, disk: gatewayDiskGb, mount: request.mount ?? '/workspace', minCuda: undefined },
      volume,
      candidates: offers,
      env: { [projectVariable]: request.project, [helperVariable]: request.purpose },
      onRefused: (refused, reason) => onEvent({ type: 'refused', hardware: refused.label, reason }),
    },
    signal,
  );
  const helpers = new HelperPods(installation.home);
  try {
    const costPerHour = pod.cost ?? candidate.costPerHour ?? 0;
    const { purpose, job } = request;
    // A move is of a volume.
    const project = purpose === 'move' ? undefined : request.project;
    const { restUrl } = installation;
    const askedBy = askerOf(installation);
    await helpers.note({
      ...{ id: pod.id, name, purpose, project, job, restUrl, hardware: candidate.label, costPerHour, askedBy },
    });
    onEvent({ type: 'pod', podId: pod.id, name, hardware: candidate.label, costPerHour, reused: false });
    const ready = await waitUntilReady(client, pod.id, installation, {
      minutes: readyMinutes,
      signal,
      onState: (text) => onEvent({ type: 'link', state: 'waiting', text }),
    });
    const { value, connection } = await doneOverLink(
      {
        connection: ready.connection,
        connect: () => connectAgain(installation, pod.id, signal),
        work: (open) => guarded(installation, { pod: ready.pod, connection: open, mount: ready.mount }, work, signal),
        meanwhile: () => 'nothing that arrived is sent again',
        onEvent,
        signal,
      },
      () => gatewayGone(name),
    );
    connection.close();
    return value;
  } finally {
    // Not with the caller's signal: a cancelled transfer must not leave a pod.
    await endPod(client, pod, 'terminate');
    await tellEnd(helpers, pod.id, client.free, onEvent);
  }
}

async function tellEnd(helpers: HelperPods, id: string, free: boolean, onEvent: OnEvent): Promise<void> {
  // What it cost is worth no failure of what it was for.
  const pod = await helpers.end(id).catch(() => undefined);
  if (pod !== undefined) {
    const cost = priced(`about ${dollars(spent(recorded([], [pod])).dollars)}`, free);
    const text = `The pod ${pod.name} is terminated; what it cost: ${cost}`;
    onEvent({ type: 'phase', phase: 'end', text });
  }
}

/** Does the work while the pod is told, once a minute, that somebody is at work. */
async function guarded<T>(
  installation: Installation,
  at: { pod: Pod; connection: SshConnection; mount: string },
  work: (gateway: Gateway) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const workerPath = await installWorker(at.connection, at.mount, installation.workerFile, signal);
  const worker = new RemoteWorker(at.connection, workerPath);
  // No job ever begins in this folder, so the guard waits for nothing but its time.
  const folder = `${at.mount}/.runpod-trainer/gateways/${at.pod.id}`;
  const guard = (): Promise<unknown> => worker.guard(folder, installation.restUrl, guardMinutes, signal);
  await guard();
  const renewal = setInterval(() => void guard().catch(() => undefined), renewEvery);
  try {
    return await work({ ...at, worker, workerPath });
  } finally {
    clearInterval(renewal);
  }
}

async function connectAgain(
  installation: Installation,
  podId: string,
  signal: AbortSignal | undefined,
): Promise<SshConnection | undefined> {
  const pod = await findPod(installation.client, podId, signal);
  const over = pod === undefined || pod.status === 'EXITED' || pod.status === 'ERROR';
  return over ? undefined : connectTo(pod, installation, signal);
}

function gatewayGone(name: string): UserError {
  return new UserError('pod-gone', {
    what: `The pod ${name}, which carried the files, is gone.`,
    why: 'It was ended from outside, or its host failed.',
    next: 'Start again; what has arrived is not sent again.',
  });
}
