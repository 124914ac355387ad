import { dollars } from '../../../words/index.ts';
import type { Detector } from '../types.ts';

/** HTTP 402, or a pod that RunPod ended while the account had nothing left. */
export const noBalance: Detector = {
  kind: 'no-balance',
  detect: ({ evidence, reasons }) => {
    const { apiErrors = [], balance, pod, state } = evidence;
    const refused = apiErrors.find((e) => e.code === 'runpod-funds');
    const said = reasons.find((r) => /account balance is too low|\bHTTP 402\b/.test(r));
    // Less than a cent is nothing.
    const empty = balance !== undefined && balance < 0.01;
    const ended =
      empty &&
      pod !== undefined &&
      ['gone', 'EXITED'].includes(pod.status) &&
      ['lost', 'unknown'].includes(state.status);
    if (refused === undefined && said === undefined && !ended) {
      return undefined;
    }
    const left = balance === undefined ? [] : [`balance: ${balance < 0 ? '-' : ''}${dollars(Math.abs(balance))}`];
    return {
      at: Infinity,
      what: ended
        ? 'RunPod ended the pod because the account has no money left.'
        : 'RunPod rents nothing to this account: its balance is too low.',
      evidence: [...[refused?.message, said].filter((t) => t !== undefined).slice(0, 1), ...left],
      why: 'A new pod needs credit for about one hour. At zero, pods are stopped, volumes go on costing money, and in the end they are deleted.',
      next: 'Add credit under Billing in the RunPod console, then run again. Fetch what is on the volume soon.',
      change: null,
    };
  },
};
