import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, throwIfCancelled, UserError } from '../errors.ts';
import { duration } from '../words/index.ts';
import { isApiError } from '../runpod/api-error.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { Pod } from '../runpod/schemas.ts';
import { bootFingerprints } from './boot-log.ts';
import { StartWatch } from './crash-loop.ts';
import { connect, SshError } from '../ssh/index.ts';
import type { HostKeys, SshConnection, SshKeyPair } from '../ssh/index.ts';

export interface Access {
  /** Knows the boot log of a pod whose host key was not seen before. */
  client: RunPodClient;
  key: SshKeyPair;
  hostKeys: HostKeys;
  /** Told when a host key is seen for the first time. */
  onFirstUse?: ((fingerprint: string, checkedBy: string) => void) | undefined;
}

export interface ReadyPod {
  pod: Pod;
  connection: SshConnection;
  /** Where the volume is mounted, as the API says. */
  mount: string;
}

/** SSH failures that a pod which is still starting shows; anything else will not go away by waiting. */
const passing = new Set<string>(['ssh-refused', 'ssh-timeout', 'ssh-unreachable', 'ssh-lost']);
/** A stale address may lead to another machine for a moment, so a login is refused this often before it counts. */
const refusalsAllowed = 3;

/**
 * Waits until SSH really answers. RUNNING is not readiness: the image may still be pulled, and the address may be
 * missing or stale. Throws a UserError `pod-not-ready` after `minutes`; the caller ends the pod.
 */
export async function waitUntilReady(
  client: RunPodClient,
  podId: string,
  access: Access,
  options: { minutes: number; signal?: AbortSignal | undefined; onState?: (text: string) => void },
): Promise<ReadyPod> {
  const watch = new StartWatch(client, podId);
  try {
    return await waitWatching(client, podId, access, options, watch);
  } finally {
    watch.stop();
  }
}

async function waitWatching(
  client: RunPodClient,
  podId: string,
  access: Access,
  options: Parameters<typeof waitUntilReady>[3],
  watch: StartWatch,
): Promise<ReadyPod> {
  const deadline = performance.now() + options.minutes * 60_000;
  let pause = 500;
  let state = '';
  let refusals = 0;
  for (;;) {
    throwIfCancelled(options.signal);
    const pod = await lookAt(client, podId, options.signal);
    if (pod === 'gone' || (typeof pod === 'object' && (pod.status === 'EXITED' || pod.status === 'ERROR'))) {
      throw podGone(podId, pod);
    }
    let now = typeof pod === 'string' ? "RunPod's API does not answer" : describe(pod);
    if (typeof pod === 'object' && pod.ssh.direct !== null) {
      const result = await tryConnect(pod, access, options.signal);
      if (result instanceof SshError) {
        refusals = passing.has(result.code) ? 0 : refusals + 1;
        if (refusals > refusalsAllowed) {
          throw result;
        }
        now = 'SSH does not answer yet';
      } else {
        return { pod, connection: result, mount: mountOf(pod) };
      }
    }
    if (typeof pod === 'object') {
      watch.check(pod);
    }
    if (now !== state) {
      state = now;
      options.onState?.(now);
    }
    if (performance.now() + pause > deadline) {
      throw new UserError('pod-not-ready', {
        what: `The pod was not ready after ${duration(options.minutes * 60)}: ${now}.`,
        why: 'Now and then RunPod gives a bad host, or pulling a large image takes very long.',
        next: 'Start again to get another host, or raise "target.readyMinutes" for a very large image.',
      });
    }
    await wait(pause, undefined, { signal: options.signal }).catch(() => {
      throw new CancelledError();
    });
    pause = Math.min(pause * 1.5, 5_000);
  }
}

/**
 * One connection to a pod whose address is known. Its host key is pinned for this start of the pod; where there is no pin
 * here yet, it must be one that the pod printed at boot, if it prints them. There is no other way to a pod.
 */
export async function connectTo(pod: Pod, access: Access, signal?: AbortSignal): Promise<SshConnection> {
  const direct = pod.ssh.direct;
  if (direct === null) {
    throw new UserError('pod-no-ssh', {
      what: `The pod ${pod.name} has no public SSH address.`,
      why: 'It was created without the port 22/tcp, or it is still starting.',
      next: "Wait a minute and try again, or start the job anew; RunPod's SSH proxy carries no files, so it is not used.",
    });
  }
  return connect({
    target: { host: direct.host, port: direct.port, username: direct.username },
    key: access.key,
    hostKeys: access.hostKeys,
    pinId: pinIdOf(pod),
    signal,
    timeoutMs: 15_000,
    bootLog: () => bootFingerprints(access.client, pod.id, { signal }),
    onFirstUse: access.onFirstUse,
  });
}

/** Names one start of a pod: its host key is pinned for as long as that. */
export function pinIdOf(pod: Pod): string {
  return `${pod.id}@${pod.startedAt ?? pod.createdAt ?? ''}`;
}

async function tryConnect(
  pod: Pod,
  access: Access,
  signal: AbortSignal | undefined,
): Promise<SshConnection | SshError> {
  try {
    return await connectTo(pod, access, signal);
  } catch (error) {
    if (error instanceof SshError) {
      return error;
    }
    throw error;
  }
}

/** The API's answer says where the volume is; a pod without one cannot be used. */
export function mountOf(pod: Pod): string {
  const path = pod.mounts.network[0]?.path;
  if (path === undefined) {
    throw new UserError('pod-no-volume', {
      what: `The pod ${pod.name} has no network volume.`,
      next: 'Terminate it and start the job again; without a volume nothing would be kept.',
    });
  }
  return path.replace(/\/+$/, '') || '/';
}

/** The pod, or undefined when it is gone (404 and TERMINATED mean the same). */
export async function findPod(
  client: Pick<RunPodClient, 'pods'>,
  id: string,
  signal?: AbortSignal,
): Promise<Pod | undefined> {
  try {
    const pod = await client.pods.get(id, signal);
    return pod.status === 'TERMINATED' ? undefined : pod;
  } catch (error) {
    if (isApiError(error, 'not-found')) {
      return undefined;
    }
    throw error;
  }
}

function describe(pod: Pod): string {
  if (pod.status === 'RUNNING') {
    return pod.ssh.direct === null ? 'the image is being pulled, or the port is not mapped yet' : 'waiting for SSH';
  }
  return `the pod is ${pod.status.toLowerCase()}`;
}

/** The pod as it is now. An API that is down for a while says nothing about it. */
async function lookAt(client: RunPodClient, id: string, signal?: AbortSignal): Promise<Pod | 'gone' | 'no answer'> {
  try {
    return (await findPod(client, id, signal)) ?? 'gone';
  } catch (error) {
    if (isApiError(error, 'network', 'timeout', 'server', 'rate-limit')) {
      return 'no answer';
    }
    throw error;
  }
}

function podGone(id: string, pod: Pod | 'gone'): UserError {
  const what = pod === 'gone' ? `The pod ${id} is gone.` : `The pod ${pod.name} is ${pod.status.toLowerCase()}.`;
  return new UserError('pod-gone', {
    what,
    why: 'It was stopped from outside, or its host failed.',
    next: 'Start the job again; steps that are finished are skipped.',
  });
}
