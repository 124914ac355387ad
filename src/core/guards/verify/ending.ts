import { setTimeout as wait } from 'node:timers/promises';
import { messageOf, throwIfCancelled } from '../../errors.ts';
import { findPod } from '../../pods/ready.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { Pod } from '../../runpod/schemas.ts';
import type { SshConnection } from '../../ssh/index.ts';
import type { Answers } from './answers.ts';
import type { VerifyOptions } from './options.ts';
import { probePod } from './pod-probe.ts';
import { refusal } from './pod-questions.ts';

/**
 * Lets the pod end itself and measures until it is gone. Returns when it is, or when the pod may not or does not; the
 * caller ends it then.
 */
export async function letItEnd(
  options: VerifyOptions,
  answers: Answers,
  { connection, pod }: { connection: SshConnection; pod: Pod },
  signal: AbortSignal,
): Promise<void> {
  const question = 'How long does a pod take to end?';
  const started = performance.now();
  const { client, workerFile } = options.installation;
  const restUrl = options.connection.restUrl;
  let how: string;
  try {
    const seen = await probePod({ connection, workerFile }, pod, { mode: 'end', restUrl }, signal);
    how = `the pod's own DELETE was answered ${seen.delete ?? 'not at all'}`;
    if (refusal(seen.delete)) {
      answers.keep('podKeyRights', 'none', how);
    }
    if (seen.delete === undefined || seen.delete >= 300) {
      how += ', ours ended it';
      await client.pods.terminate(pod.id, signal);
    }
  } catch (error) {
    throwIfCancelled(signal);
    // The pod may have gone before it could tell.
    how = `the connection ended with "${messageOf(error)}"`;
    if ((await findPod(client, pod.id, signal)) !== undefined) {
      how += ', ours ended it';
      await client.pods.terminate(pod.id, signal);
    }
  }
  const seconds = await untilGone(options, pod, started, signal);
  if (seconds === undefined) {
    answers.tell('end', question, 'unknown', `${how}; it was still shown after a minute`, started);
    return;
  }
  answers.keep('terminateSeconds', seconds, how);
  answers.tell('end', question, 'answered', `404 after ${seconds} s; ${how}`, started);
}

async function untilGone(
  { installation }: VerifyOptions,
  pod: Pod,
  started: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  while (performance.now() - started < 60_000) {
    throwIfCancelled(signal);
    try {
      await installation.client.pods.get(pod.id, signal);
    } catch (error) {
      if (isApiError(error, 'not-found')) {
        return Math.round((performance.now() - started) / 100) / 10;
      }
      throw error;
    }
    await wait(250, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}
