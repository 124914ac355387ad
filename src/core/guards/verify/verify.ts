import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, messageOf, throwIfCancelled, UserError } from '../../errors.ts';
import { askerOf } from '../../home/installation.ts';
import { HelperPods } from '../../journal/helpers.ts';
import { endPod } from '../../pods/end.ts';
import { hardwareOf } from '../../pods/of-job.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { RunPodClient } from '../../runpod/client.ts';
import { ApiHttp } from '../../runpod/http.ts';
import type { Pod, Volume } from '../../runpod/schemas.ts';
import { askTheBill } from './bill-question.ts';
import { Answers } from './answers.ts';
import { letItEnd } from './ending.ts';
import { askForFree } from './free-questions.ts';
import type { Verification, VerifyOptions } from './options.ts';
import { deadlineMinutes, volumeSizeGb } from './plan.ts';
import { askAboutVolume, askThePod, enter, rentForCheck, verifyPrefix } from './pod-questions.ts';
import { askS3, tellWithoutS3 } from './s3-questions.ts';
import { duration } from '../../words/index.ts';

const notAsked: readonly [id: string, question: string][] = [
  [
    'serverless',
    'What timeout has an endpoint that was created without one, what does an empty input do, can a running job be cancelled?',
  ],
  ['gpu-filters', 'Do the filters minRamPerGpu and minVcpuCountPerGpu tell the truth?'],
];

/**
 * Asks the platform what its documents leave open: first for free, then with one CPU pod that is ended in any case,
 * also when the signal aborts or a question fails. Throws CancelledError, or a UserError that names what is left.
 */
export async function verifyPlatform(options: VerifyOptions): Promise<Verification> {
  const answers = new Answers(options.onAnswer);
  try {
    await askForFree(answers, new ApiHttp(options.connection), options.installation.client, options.signal);
    await askWithPod(options, answers);
  } finally {
    await options.onFindings?.(answers.findings);
  }
  for (const [id, question] of notAsked) {
    answers.tell(id, question, 'not asked', 'not asked by this version');
  }
  return { answers: answers.all, findings: answers.findings };
}

async function askWithPod(options: VerifyOptions, answers: Answers): Promise<void> {
  const { plan, signal } = options;
  const { client } = options.installation;
  const deadline = AbortSignal.timeout(deadlineMinutes * 60_000);
  const within = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  let pod: Pod | undefined;
  let volume: Volume | undefined;
  const helpers = new HelperPods(options.installation.home);
  try {
    const [first] = plan.candidates;
    if (plan.withVolume && first !== undefined) {
      volume = await client.volumes.create(
        {
          name: `${verifyPrefix}${randomBytes(4).toString('hex')}`,
          size: volumeSizeGb,
          dataCenter: first.dataCenter,
          type: 'STANDARD',
        },
        signal,
      );
    }
    if (volume === undefined) {
      tellWithoutS3(
        answers,
        plan.withVolume ? 'no volume was made' : 'it needs a new volume, which was not asked for, and S3 keys',
      );
    } else {
      await askS3(options, answers, volume, within);
    }
    const where = volume?.dataCenter;
    const places = plan.candidates.filter((c) => where === undefined || c.dataCenter === where);
    const rented = await rentForCheck(options, answers, places, volume, (granted) => {
      pod = granted;
    });
    if (rented !== undefined) {
      const { id, name, cost } = rented.pod;
      const { restUrl } = options.installation;
      const costPerHour = cost ?? 0;
      const askedBy = askerOf(options.installation);
      await helpers.note({
        ...{ id, name, purpose: 'verify', restUrl, hardware: hardwareOf(rented.pod), costPerHour, askedBy },
      });
    }
    const inside = rented && (await enter(options, answers, rented, within));
    if (inside !== undefined) {
      try {
        await askThePod(options, answers, inside, within);
        if (volume !== undefined) {
          await askAboutVolume(options, answers, volume);
        }
        await letItEnd(options, answers, inside, within);
      } finally {
        inside.connection.close();
      }
    }
  } catch (error) {
    throwIfCancelled(signal);
    if (!deadline.aborted || !(error instanceof CancelledError)) {
      throw error;
    }
    answers.tell(
      'deadline',
      'Was there time for everything?',
      'unknown',
      `no: it stopped after ${duration(deadlineMinutes * 60)}`,
    );
  } finally {
    await endAll(client, pod, volume);
  }
  if (pod !== undefined) {
    await helpers.end(pod.id);
    await askTheBill(options, answers, pod);
  }
}

/** Ends what was created, whatever happened; a failure with the pod does not keep the volume from being deleted. */
async function endAll(client: RunPodClient, pod: Pod | undefined, volume: Volume | undefined): Promise<void> {
  try {
    if (pod !== undefined) {
      await endPod(client, pod, 'terminate');
    }
  } finally {
    if (volume !== undefined) {
      await deleteVolume(client, volume);
    }
  }
}

/** A volume is attached until its pod is forgotten, which takes a moment. */
async function deleteVolume(client: RunPodClient, volume: Volume): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await client.volumes.delete(volume.id);
      return;
    } catch (error) {
      if (attempt >= 30 || !isApiError(error, 'conflict', 'invalid')) {
        throw new UserError(
          'volume-left',
          {
            what: `The volume ${volume.name} (${volume.id}) could not be deleted and costs money for as long as it is there.`,
            why: messageOf(error),
            next: 'Delete it in the RunPod console; see there whether a pod named rpt-verify-… is left as well.',
          },
          { cause: error },
        );
      }
      await wait(Math.min(200 * 1.3 ** attempt, 3_000));
    }
  }
}
