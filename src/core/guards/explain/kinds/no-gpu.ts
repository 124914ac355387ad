import { lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';
import { driverTooOld } from './cuda-mismatch.ts';

/** torch.cuda and transformers on a machine, or with a build, that has no GPU. */
const patterns = [
  /No CUDA GPUs are available/,
  /Found no NVIDIA driver on your system/,
  /Torch not compiled with CUDA enabled/,
  /no CUDA-capable device is detected/,
  /Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False/,
];

/** The step wants a GPU and sees none. */
export const noGpu: Detector = {
  kind: 'no-gpu',
  detect: ({ evidence, lines }) => {
    const hit = lastHit(lines, ...patterns);
    // torch warns of an old driver and then goes on as if there were no GPU.
    if (hit === undefined || lastHit(lines, ...driverTooOld) !== undefined) {
      return undefined;
    }
    const started = evidence.events.findLast((e) => e.type === 'job.started');
    const gpus = started?.type === 'job.started' ? started.host.gpus : [];
    const build = /not compiled with CUDA/.test(hit.line);
    const cpu = evidence.project?.target.cpu !== undefined || gpus.length === 0;
    return {
      at: hit.at,
      what: build ? 'The installed torch is a build without CUDA.' : 'The step wants a GPU and sees none.',
      evidence: [shown(hit.line), gpus.length === 0 ? 'the pod has no GPU' : `GPUs of the pod: ${gpus.join(', ')}`],
      why: build
        ? 'A requirements file that names torch can put a CPU build in front of the one in the image.'
        : cpu
          ? 'The job ran on a pod without a GPU.'
          : 'The host lost its GPU, or CUDA_VISIBLE_DEVICES hides it.',
      next: build
        ? 'Take torch out of the requirements file, so that the one of the image is used.'
        : cpu
          ? 'Name GPU types under "target.gpus" in place of "target.cpu", or let the code run on the CPU.'
          : 'Run again, which rents another host; check that no step sets CUDA_VISIBLE_DEVICES.',
      change: null,
    };
  },
};
