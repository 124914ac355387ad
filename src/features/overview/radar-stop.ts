import { CancelledError } from '../../core/errors.ts';
import { pricePerHour } from '../../core/words/index.ts';
import { stopEndpoint, stopPod, type RadarEndpoint, type RadarPod } from '../../core/guards/radar/index.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { commands } from '../ids.ts';
import type { OverviewContext } from './context.ts';
import { plainText } from '../common/text.ts';

/** Ends a pod that the radar shows, after saying what that means; the pod of a job at work is ended by cancelling the job. */
export async function stopRadarPod(context: OverviewContext, seen: RadarPod): Promise<void> {
  const { vs, installation, account } = context;
  const { action, pod, costPerHour, job } = seen;
  if (action.how === 'cancel') {
    await vs.commands.executeCommand(commands.cancelJob, { id: job?.id });
    return;
  }
  if (action.how === 'none') {
    return;
  }
  const stops = action.how === 'stop';
  await askAndDo(context, {
    verb: stops ? 'Stop Pod' : 'Terminate Pod',
    what: `"${pod.name}" (${pod.hardware}, ${pricePerHour(costPerHour, account.free)})`,
    detail: action.text,
    doing: `${stops ? 'Stopping' : 'Terminating'} ${pod.name}…`,
    work: async (signal) => stopPod(await installation(), seen, () => Promise.resolve(true), signal),
  });
}

/** Scales an endpoint that the radar shows to zero, or deletes it, after saying what that means. */
export async function stopRadarEndpoint(context: OverviewContext, seen: RadarEndpoint): Promise<void> {
  const { action, endpoint, cost } = seen;
  if (action.how === 'none') {
    return;
  }
  const deletes = action.how === 'delete';
  await askAndDo(context, {
    verb: deletes ? 'Delete Endpoint' : 'Scale to Zero',
    what: `"${endpoint.name}" (${endpoint.hardware})`,
    detail: `${cost} ${action.text}`,
    doing: `${deletes ? 'Deleting' : 'Scaling'} ${endpoint.name}…`,
    work: async (signal) => stopEndpoint(await context.installation(), seen, () => Promise.resolve(true), signal),
  });
}

interface Doing {
  verb: string;
  what: string;
  /** What it means. */
  detail: string;
  /** Shown meanwhile. */
  doing: string;
  work: (signal: AbortSignal) => Promise<void>;
}

async function askAndDo({ vs, refresh }: OverviewContext, { verb, what, detail, doing, work }: Doing): Promise<void> {
  const question = plainText(`${verb} ${what}?`);
  const chosen = await vs.window.showWarningMessage(question, { modal: true, detail: plainText(detail) }, verb);
  if (chosen !== verb) {
    return;
  }
  try {
    valueOf(await withProgress(vs, { title: plainText(doing), where: 'window' }, work));
  } catch (error) {
    if (!(error instanceof CancelledError)) {
      throw error;
    }
  } finally {
    // Also after a failure: it may have taken effect.
    refresh();
  }
}
