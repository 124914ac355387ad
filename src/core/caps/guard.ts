import type { Installation } from '../home/installation.ts';
import { warningOf, type OnEvent } from '../journal/run-event.ts';
import type { JobRecord } from '../journal/records.ts';
import { endPod } from '../pods/end.ts';
import { findPod } from '../pods/ready.ts';

/** Longest wait of a timer. */
const longestMs = 2 ** 31 - 1;
/** So long after the promised end the pod's own keeper has had its chance. */
const patienceMs = 15_000;

/**
 * This computer as an owner of the cap: ends the job's pod when it is still there after its promised end. Returns what
 * takes the guard away.
 */
export function guardCap(installation: Installation, record: JobRecord, onEvent: OnEvent): () => void {
  const { cap, pod } = record;
  if (cap?.stopsBy == null || pod === undefined || record.podEnded !== undefined) {
    return () => undefined;
  }
  const at = Date.parse(cap.stopsBy) + patienceMs;
  let timer: NodeJS.Timeout | undefined;
  const end = async (): Promise<void> => {
    const left = at - Date.now();
    if (left > 0) {
      timer = setTimeout(() => void end(), Math.min(left, longestMs));
      return;
    }
    try {
      if ((await findPod(installation.client, pod.id)) === undefined) {
        return;
      }
      onEvent({ type: 'warning', text: `The cap of ${record.job} is over and its pod is still there; it is ended.` });
      await endPod(installation.client, pod, 'terminate');
      await installation.records.changeIfThere(record, { podEnded: new Date().toISOString() });
    } catch (error) {
      onEvent(warningOf(error));
      timer = setTimeout(() => void end(), patienceMs);
    }
  };
  void end();
  return () => clearTimeout(timer);
}
