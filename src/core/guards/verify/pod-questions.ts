import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { throwIfCancelled } from '../../errors.ts';
import { bootFingerprints } from '../../pods/boot-log.ts';
import { connectTo } from '../../pods/ready.ts';
import { askForPod } from '../../pods/rent.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { Pod, Volume } from '../../runpod/schemas.ts';
import { SshError, type SshConnection } from '../../ssh/index.ts';
import { known, notKnown, type Answers } from './answers.ts';
import { billOf } from './bill-question.ts';
import type { VerifyOptions } from './options.ts';
import { deadlineMinutes, diskSizes, type VerifyCandidate } from './plan.ts';
import { probePod, type PodProbe } from './pod-probe.ts';

const image = 'runpod/base:1.0.2-ubuntu2404';
const mountPath = '/workspace';
/** Pods of this check, in any list. */
export const verifyPrefix = 'rpt-verify-';

export interface Rented {
  pod: Pod;
  /** `performance.now()` of the request. */
  asked: number;
}

/**
 * Rents one pod: with the smallest disk first, then with the usual one, at the next place when there is no stock.
 * Undefined when nothing was granted. `onPod` is told at once, so that the caller ends the pod in any case.
 */
export async function rentForCheck(
  options: VerifyOptions,
  answers: Answers,
  candidates: VerifyCandidate[],
  volume: Volume | undefined,
  onPod: (pod: Pod) => void,
): Promise<Rented | undefined> {
  const question = 'What is the smallest container disk of a CPU pod?';
  const started = performance.now();
  let last = 'no CPU pod is free anywhere by the catalog';
  for (const candidate of candidates) {
    for (const disk of diskSizes) {
      const asked = performance.now();
      try {
        const pod = await askForPod(
          options.installation,
          {
            name: `${verifyPrefix}${randomBytes(4).toString('hex')}`,
            aloneMinutes: deadlineMinutes,
            image,
            dataCenter: candidate.dataCenter,
            volume,
            mount: mountPath,
            disk,
            hardware: { cpu: { id: candidate.flavor, vcpuCount: candidate.vcpuCount } },
          },
          options.signal,
        );
        onPod(pod);
        const where = `${candidate.flavor} in ${candidate.dataCenter}`;
        const refused = disk === diskSizes[0] ? '' : `, ${diskSizes[0]} GB was refused as if nothing were free`;
        answers.keep('minDiskGb', disk, `${where}: ${disk} GB was granted${refused}`);
        answers.tell('disk', question, 'answered', `${disk} GB (${where}${refused})`, started);
        return { pod, asked };
      } catch (error) {
        if (!isApiError(error, 'no-capacity')) {
          throw error;
        }
        last = error.detail ?? error.message;
      }
    }
  }
  answers.tell('disk', question, 'unknown', `no CPU pod was granted: ${last}`, started);
  return undefined;
}

/** Waits for the first login and tells the times on the way; undefined when it takes longer than `readyMinutes`. */
export async function enter(
  options: VerifyOptions,
  answers: Answers,
  { pod: { id }, asked }: Rented,
  signal: AbortSignal,
): Promise<{ connection: SshConnection; pod: Pod } | undefined> {
  const { client } = options.installation;
  const question = 'How long from creating a pod to the first login?';
  const times: string[] = [];
  const since = (): number => Math.round((performance.now() - asked) / 100) / 10;
  const note = (what: string): void => {
    if (!times.some((t) => t.startsWith(what))) {
      times.push(`${what} after ${since()} s`);
    }
  };
  for (;;) {
    throwIfCancelled(signal);
    const pod = await client.pods.get(id, signal);
    if (pod.status === 'RUNNING') {
      note('RUNNING');
    }
    if (pod.ssh.direct !== null) {
      note('address');
      try {
        const connection = await connectTo(pod, options.installation, signal);
        const seconds = since();
        note('login');
        answers.keep('bootSeconds', seconds, times.join(', '));
        answers.tell('boot', question, 'answered', times.join(', '), asked);
        return { connection, pod };
      } catch (error) {
        if (!(error instanceof SshError)) {
          throw error;
        }
      }
    }
    if (since() > (options.readySeconds ?? 360)) {
      answers.tell(
        'boot',
        question,
        'unknown',
        `no login within ${since()} s: ${times.join(', ') || pod.status}`,
        asked,
      );
      return undefined;
    }
    await wait(500, undefined, { signal }).catch(() => undefined);
  }
}

/** Asks the pod and RunPod about it, without changing anything. */
export async function askThePod(
  options: VerifyOptions,
  answers: Answers,
  { connection, pod }: { connection: SshConnection; pod: Pod },
  signal: AbortSignal,
): Promise<void> {
  const { client, workerFile } = options.installation;
  const inside = { connection, workerFile };
  const restUrl = options.connection.restUrl;
  await answers.ask('host-keys', 'Does the boot log show the host keys?', options.signal, async () => {
    const printed = await bootFingerprints(client, pod.id, { patienceMs: 5000, signal });
    const matches = printed.includes(connection.fingerprint);
    answers.keep('hostKeysInLog', matches, `fingerprints in the log of ${image}: ${printed.length}`);
    const which = matches ? 'ours among them' : 'the one of the server not among them';
    return known(printed.length === 0 ? 'no' : `fingerprints: ${printed.length}, ${which}`);
  });
  let probe: PodProbe | undefined;
  const look = async (): Promise<PodProbe> =>
    (probe ??= await probePod(inside, pod, { mode: 'look', restUrl, mount: pod.mounts.network[0]?.path }, signal));
  await answers.ask(
    'environment',
    'Does a session over SSH have the variables of the pod?',
    options.signal,
    async () => {
      const { session, where, file } = await look();
      const evidence = `session: ${session ? 'yes' : 'no'}; found in ${where ?? 'no process'}; /etc/rp_environment: ${file ? 'yes' : 'no'}`;
      answers.keep('environmentOnlyInPid1', !session && where !== null, evidence);
      return known(evidence);
    },
  );
  await answers.ask('pod-key', "What may a pod's own key do?", options.signal, async () => {
    const seen = await look();
    const words = seen.key ? rightsText(seen) : 'the pod has no key of its own';
    const rights = rightsOf(seen);
    if (rights === undefined) {
      return notKnown(words);
    }
    answers.keep('podKeyRights', rights, words);
    return known(words);
  });
  if (pod.mounts.network.length > 0) {
    await answers.ask('df', 'Does df tell the size of the volume?', options.signal, async () => {
      const { dfGb } = await look();
      return dfGb === undefined ? notKnown('it could not be read') : known(`it shows ${dfGb} GB`);
    });
  }
  await answers.ask('bill-running', 'Is a running pod in the bill?', options.signal, async () => {
    const billed = await billOf(options, pod);
    answers.keep('billShowsRunning', billed > 0, `$${billed.toFixed(6)} while it ran`);
    return known(billed > 0 ? `yes, $${billed.toFixed(6)}` : 'no');
  });
}

/** The key is not accepted, or it may not. */
export const refusal = (status: number | undefined): boolean => status === 401 || status === 403;

/** `start` on a running pod is answered 409 to whoever may act on it, and does nothing. */
export function rightsOf({ key, start, delete: ended }: PodProbe): 'own' | 'none' | undefined {
  if (!key || refusal(start) || refusal(ended)) {
    return 'none';
  }
  return start === 409 || (start !== undefined && start < 300) ? 'own' : undefined;
}

function rightsText({ get, start, patch }: PodProbe): string {
  const told = (status: number | undefined): string => (status === undefined ? 'no answer' : String(status));
  return `GET ${told(get)}, start ${told(start)} (409 means allowed), PATCH ${told(patch)}`;
}

/** Whether a volume can be deleted under a pod; when it can, it is gone. */
export async function askAboutVolume(options: VerifyOptions, answers: Answers, volume: Volume): Promise<void> {
  await answers.ask('volume-delete', 'Can a volume be deleted while a pod has it?', options.signal, async () => {
    try {
      await options.installation.client.volumes.delete(volume.id);
    } catch (error) {
      if (!isApiError(error, 'conflict', 'invalid')) {
        throw error;
      }
      answers.keep('attachedVolumeDeletable', false, `HTTP ${error.status ?? 0}: ${error.detail ?? ''}`);
      return known(`no (HTTP ${error.status ?? 0})`);
    }
    answers.keep('attachedVolumeDeletable', true, 'it was deleted');
    return known('yes');
  });
}
