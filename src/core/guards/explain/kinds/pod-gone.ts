import type { Detector } from '../types.ts';

/** The pod ended under the job: its host died, somebody terminated it, or its container went away. */
export const podGone: Detector = {
  kind: 'pod-gone',
  detect: ({ evidence, reasons }) => {
    const { pod, state } = evidence;
    const silent = reasons.find((r) => /The worker (died without a word|on the pod is gone)/.test(r));
    const over = pod !== undefined && pod.status !== 'RUNNING' && pod.status !== 'unknown';
    const unheard = state.status === 'unknown' && over;
    if (silent === undefined && !unheard && state.status !== 'lost') {
      return undefined;
    }
    const status =
      pod === undefined || pod.status === 'unknown'
        ? []
        : [`the pod is ${pod.status === 'gone' ? 'gone' : pod.status.toLowerCase()}`];
    return {
      at: -1,
      what: over ? 'The pod ended under the job.' : 'The worker on the pod ended without saying why.',
      evidence: [...(silent === undefined ? [] : [silent]), ...status],
      why: over
        ? 'Its host failed, RunPod moved or ended it, or somebody terminated it; the volume keeps everything that was written.'
        : 'It was killed from outside, most often for lack of memory, or the container was restarted.',
      next: 'Run again from this step: steps that passed are skipped, and a step that keeps checkpoints goes on from its last one.',
      change: null,
    };
  },
};
