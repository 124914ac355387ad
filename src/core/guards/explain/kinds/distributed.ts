import { lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const taken = [/(?:DistNetworkError|RuntimeError|OSError|EADDRINUSE).*[Aa]ddress already in use/, /\bEADDRINUSE\b/];
const waited = [
  /[Ww]atchdog caught collective operation timeout/,
  /DistStoreError: .*[Tt]imed? ?out/,
  /Timed out (?:after \d+ seconds )?waiting for clients/i,
  /(?:gloo|GLOO|NCCL|barrier|store).*(?:[Tt]imed out|[Tt]imeout)/,
];
const failed = [
  /\bnccl(?:SystemError|InternalError|UnhandledCudaError|RemoteError|InvalidUsage|InvalidArgument)\b/,
  /DistBackendError|\bNCCL (?:error|WARN)\b|\[.*gloo\/.*\] (?:Connection closed by peer|Read error)/,
];

/** The processes of one job did not find, or lost, each other. */
export const distributed: Detector = {
  kind: 'distributed',
  detect: ({ lines }) => {
    const port = lastHit(lines, ...taken);
    const wait = lastHit(lines, ...waited);
    const hit = port ?? wait ?? lastHit(lines, ...failed);
    if (hit === undefined) {
      return undefined;
    }
    const more = { at: hit.at, evidence: [shown(hit.line)], change: null };
    if (hit === port) {
      return {
        ...more,
        what: 'The port on which the processes of the job meet is taken.',
        why: 'An earlier process on the pod still runs and holds it, or two launches use the same one.',
        next: 'Give the launcher a port of its own (torchrun chooses one in its standalone mode), and let nothing of an earlier step run on.',
      };
    }
    return {
      ...more,
      what:
        hit === wait
          ? 'A process of the job waited in vain for the others.'
          : 'The processes of the job lost their connection to each other.',
      why: 'Most often one of them ended or hung before, or they do not all reach the same call; rarer the link between the GPUs of the host.',
      next: 'Look in the log for what the other processes said before. If they were all at work: a longer timeout of init_process_group, or NCCL_DEBUG=INFO under "env" to see more.',
    };
  },
};
