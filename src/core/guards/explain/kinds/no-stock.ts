import type { Detector } from '../types.ts';

/** No machine that the project wants was free. */
export const noStock: Detector = {
  kind: 'no-stock',
  detect: ({ evidence, reasons }) => {
    const refused = (evidence.apiErrors ?? []).find((e) =>
      ['no-stock', 'runpod-no-capacity', 'no-gateway'].includes(e.code),
    );
    const said = reasons.find((r) =>
      /^No machine is free in |^None of .+ is free in |no longer any instances available|not enough free GPUs/.test(r),
    );
    const seen = refused?.message ?? said;
    if (seen === undefined) {
      return undefined;
    }
    const gpus = evidence.project?.target.gpus ?? [];
    const tried = gpus.length === 0 ? '' : ` The project takes ${gpus.join(', ')}.`;
    return {
      at: Infinity,
      what: 'No machine was free for the job, so nothing was rented.',
      evidence: [seen],
      why: `A pod can only run in the data center of its volume, and stock there changes within minutes.${tried}`,
      next: 'Add GPU types to "target.gpus" that are free there, wait for stock, or move the volume; the list of regions tells all three.',
      remedies: [{ do: 'regions' }],
      change: null,
    };
  },
};
