import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import { isApiError } from '../runpod/api-error.ts';
import type { RunPodClient } from '../runpod/client.ts';
import { findPod } from './ready.ts';

/**
 * Ends a pod and makes sure of it: returns when the API no longer shows it running. Throws a UserError that names the
 * pod when that cannot be confirmed, because then it may still cost money.
 */
export async function endPod(
  client: RunPodClient,
  pod: { id: string; name: string },
  how: 'terminate' | 'stop',
  signal?: AbortSignal,
): Promise<void> {
  try {
    if (how === 'terminate') {
      await client.pods.terminate(pod.id, signal);
    } else {
      await client.pods.action(pod.id, 'stop', signal);
    }
    for (let attempt = 0; attempt < 20; attempt++) {
      const now = await findPod(client, pod.id, signal);
      if (now === undefined || (how === 'stop' && now.status === 'EXITED')) {
        return;
      }
      await wait(Math.min(200 * 1.4 ** attempt, 3_000));
    }
  } catch (error) {
    if (isApiError(error, 'not-found') || (how === 'stop' && isApiError(error, 'conflict'))) {
      return;
    }
    throw notEnded(pod, error);
  }
  throw notEnded(pod, undefined);
}

function notEnded(pod: { id: string; name: string }, cause: unknown): UserError {
  return new UserError(
    'pod-not-ended',
    {
      what: `The pod ${pod.name} (${pod.id}) could not be ended and may still cost money.`,
      why: cause instanceof Error ? cause.message : 'RunPod still shows it after half a minute.',
      next: 'Terminate it in the RunPod console, or try it again when the connection is back.',
    },
    { cause },
  );
}
