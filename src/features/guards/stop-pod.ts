import { CancelledError } from '../../core/errors.ts';
import { pricePerHour } from '../../core/format.ts';
import { stopPod, type RadarPod } from '../../core/radar/index.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { commands } from '../ids.ts';
import type { GuardsContext } from './context.ts';
import { shown } from './text.ts';

/** Ends a pod that the radar shows, after saying what that means; the pod of a job at work is ended by cancelling the job. */
export async function stopSeenPod(context: GuardsContext, seen: RadarPod): Promise<void> {
  const { vs, installation, refresh } = context;
  const { action, pod, costPerHour, job } = seen;
  if (action.how === 'cancel') {
    await vs.commands.executeCommand(commands.cancelJob, { id: job?.id });
    return;
  }
  const verb = action.how === 'stop' ? 'Stop Pod' : 'Terminate Pod';
  const question = shown(`${verb} "${pod.name}" (${pod.hardware}, ${pricePerHour(costPerHour)})?`);
  const chosen = await vs.window.showWarningMessage(question, { modal: true, detail: shown(action.text) }, verb);
  if (chosen !== verb) {
    return;
  }
  const here = await installation();
  const title = `${action.how === 'stop' ? 'Stopping' : 'Terminating'} ${shown(pod.name)}…`;
  try {
    const done = await withProgress(vs, { title, where: 'window' }, (signal) =>
      stopPod(here, seen, () => Promise.resolve(true), signal),
    );
    valueOf(done);
  } catch (error) {
    if (!(error instanceof CancelledError)) {
      throw error;
    }
  } finally {
    // Also after a failure: it may have taken effect.
    refresh();
  }
}
