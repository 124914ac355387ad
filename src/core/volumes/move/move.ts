import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, throwIfCancelled, UserError } from '../../errors.ts';
import { countIs, firstNames } from '../../words/index.ts';
import { gatewayOffers } from '../../transport/gateway/offer.ts';
import type { Gateway } from '../../transport/gateway/gateway.ts';
import type { Installation } from '../../home/installation.ts';
import type { OnEvent } from '../../journal/run-event.ts';
import type { Volume } from '../../runpod/schemas.ts';
import { SshError } from '../../ssh/index.ts';
import { compareVolumes, copyOver, CopyState, type Copy } from './copy.ts';
import { Later } from './deferred.ts';
import { HeldGateway } from './gateway.ts';
import type { MovePlan } from './plan.ts';
import type { MoveWay } from './way.ts';
import { moveOverS3 } from './s3.ts';
import { MoveCut } from './send.ts';
import { rememberSize } from './size.ts';
import type { Left, VolumeEnd } from './worker.ts';

export { planMove } from './plan.ts';
export type { MovePlan, MoveRequest } from './plan.ts';
export { movePodsCost } from './time.ts';
export { moveWays, type MoveWay } from './way.ts';

export interface MoveOptions {
  /** Asked once, with the plan, before anything is rented or created; false gives the move up. */
  confirm: (plan: MovePlan) => Promise<boolean>;
  /** Replace files that somebody else wrote at the target under the same names. */
  replace?: boolean | undefined;
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

export interface MoveResult {
  way: MoveWay;
  target: { id: string; name: string; dataCenter: string };
  /** What is the same on both volumes now, and how that was seen. */
  files: number;
  bytes: number;
  verified: 'sha256' | 'size';
  /** Contents that had to be sent this time. */
  sent: { files: number; bytes: number };
  /** What was not moved, and why. */
  left: Left[];
  seconds: number;
  /** USD for the pods. */
  cost: number;
  /** What to change in project files, and what is left to do. */
  next: string[];
}

/** So often a broken link is gone on with before the move is given up, as long as nothing arrives in between. */
const triesAllowed = 5;

/**
 * Moves a volume's content as planned: creates the target when it does not exist, sends what is missing there, verifies
 * it, compares both. The source is only read. Answers undefined when the user said no. Rejects with `no-gateway` before
 * anything is rented, `move-conflicts`, `move-unreachable`, `move-differs`, `volume-full`, or CancelledError; no pod is
 * left in any case, and the next move of the same volumes sends only what is missing.
 */
export async function runMove(
  installation: Installation,
  plan: MovePlan,
  options: MoveOptions,
): Promise<MoveResult | undefined> {
  const { client } = installation;
  const { onEvent, signal } = options;
  const began = performance.now();
  if (plan.way !== 's3') {
    // Nothing is rented on one side while there is nothing on the other.
    await Promise.all([plan.source, plan.target].map((side) => gatewayOffers(client, side.dataCenter, signal)));
  }
  if (!(await options.confirm(plan))) {
    return undefined;
  }
  throwIfCancelled(signal);
  const source = await client.volumes.get(plan.source.id, signal);
  const target = await targetOf(installation, plan, signal);
  const copy: Copy = { sourceId: source.id, targetId: target.id, replace: options.replace === true, onEvent, signal };
  const moved =
    plan.way === 's3'
      ? await moveOverS3(installation, { source, target }, copy)
      : await overPods(installation, { source, target }, plan, copy);
  await rememberSize(installation.home, source.id, {
    bytes: moved.bytes,
    files: moved.files,
    at: new Date().toISOString(),
  });
  const { id, name, dataCenter } = target;
  const seconds = (performance.now() - began) / 1000;
  return { ...moved, target: { id, name, dataCenter }, seconds, next: nextSteps(plan, target) };
}

function nextSteps({ source }: MovePlan, target: Volume): string[] {
  return [
    `In the project files that use it, set "target.volume" to {"name": ${JSON.stringify(target.name)}, "dataCenter": ${JSON.stringify(target.dataCenter)}}.`,
    `The volume ${source.name} (${source.id}) in ${source.dataCenter} is still there and paid for. Delete it when a job has run with the new one.`,
  ];
}

async function targetOf(
  { client }: Installation,
  { target: { id, name, dataCenter, sizeGb: size } }: MovePlan,
  signal: AbortSignal | undefined,
): Promise<Volume> {
  return id === null ? client.volumes.create({ name, dataCenter, size }, signal) : client.volumes.get(id, signal);
}

type Moved = Omit<MoveResult, 'target' | 'seconds' | 'next'>;

async function overPods(
  installation: Installation,
  volumes: { source: Volume; target: Volume },
  plan: MovePlan,
  copy: Copy,
): Promise<Moved> {
  const { onEvent, signal } = copy;
  throwIfCancelled(signal);
  const source = new HeldGateway(installation, volumes.source, onEvent);
  const target = new HeldGateway(installation, volumes.target, onEvent);
  const held = [source, target];
  const cancelled = new Later<never>();
  const onAbort = (): void => {
    cancelled.reject(new CancelledError());
    // At once: what goes on over the links fails with them.
    held.forEach((gateway) => void gateway.end().catch(() => undefined));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const state = new CopyState();
  const direct = plan.way === 'this-machine' ? 'never' : plan.mayFallBack ? 'first' : 'only';
  let ended: PromiseSettledResult<void>[] = [];
  let compared: Awaited<ReturnType<typeof compareVolumes>>;
  try {
    compared = await overLinks(held, state, copy, cancelled.promise, async (ends) => {
      await copyOver(ends, state, direct, copy);
      return compareVolumes(ends, state, copy);
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    ended = await Promise.allSettled(held.map((gateway) => gateway.end()));
  }
  for (const end of ended) {
    if (end.status === 'rejected') {
      throw end.reason;
    }
  }
  refuseDifferences(compared.differs);
  const left = [...(state.listing?.unread ?? []), ...[...state.failed].map(([path, why]) => ({ path, why }))];
  const way = plan.way === 'pod-to-pod' && state.unreachable !== undefined ? 'this-machine' : plan.way;
  const { files, bytes } = compared;
  const cost = held.reduce((sum, gateway) => sum + gateway.cost, 0);
  return { way, files, bytes, verified: 'sha256', sent: state.sent, left, cost };
}

/** Does the work over as many links to both pods as it takes. */
async function overLinks<T>(
  held: readonly HeldGateway[],
  state: CopyState,
  { onEvent, signal }: Copy,
  cancelled: Promise<never>,
  work: (ends: { source: VolumeEnd; target: VolumeEnd }) => Promise<T>,
): Promise<T> {
  let tries = 0;
  let arrived = 0;
  for (;;) {
    const gateways = await Promise.race([Promise.all(held.map((gateway) => gateway.live())), cancelled]);
    const [source, target] = gateways.map(endOf);
    if (source === undefined || target === undefined) {
      throw new Error('A move has two ends.');
    }
    try {
      return await Promise.race([work({ source, target }), cancelled]);
    } catch (error) {
      throwIfCancelled(signal);
      if (!(error instanceof SshError || error instanceof MoveCut)) {
        throw error;
      }
      tries = state.sent.bytes > arrived ? 1 : tries + 1;
      arrived = state.sent.bytes;
      if (tries > triesAllowed) {
        throw error;
      }
      onEvent({ type: 'link', state: 'lost', text: 'The link was cut; going on, nothing that arrived is sent again' });
      await wait(500 * tries);
    }
  }
}

function endOf({ connection, worker, mount }: Gateway): VolumeEnd {
  return { connection, worker: worker.argv, mount };
}

function refuseDifferences(differs: readonly string[]): void {
  if (differs.length > 0) {
    throw new UserError('move-differs', {
      what: `${countIs(differs.length, 'name')} not the same on both volumes: ${firstNames(differs)}.`,
      why: 'Something wrote to one of them while the move ran.',
      next: 'End what works with the source and start the same move again; only what is missing is sent.',
    });
  }
}
