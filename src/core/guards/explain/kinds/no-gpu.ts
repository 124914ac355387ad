import { lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';
import { driverTooOld, noDevice } from './cuda-mismatch.ts';

/** torch.cuda and transformers on a machine, or with a build, that has no GPU. */
const patterns = [
  ...noDevice,
  /Found no NVIDIA driver on your system/,
  /Torch not compiled with CUDA enabled/,
  /cudaErrorNoDevice/,
  /Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False/,
  /No supported gpu backend found/i,
  /No GPU found\. A GPU is needed/,
  /Unknown backend:? '?(?:cuda|gpu)'? requested/i,
  /no supported devices found for platform (?:CUDA|gpu)/i,
  /(?:fp16|bf16|FP16|BF16)\b.*(?:requires a GPU|can only be used on CUDA devices|doesn't support bf16\/gpu)/,
  /cannot find any torch accelerator/i,
  /NVML: (?:Driver Not Loaded|Shared Library Not Found)|NVMLError_(?:LibraryNotFound|DriverNotLoaded)/,
  /nvidia-smi: (?:command )?not found/,
];

/** The step wants a GPU and sees none. */
export const noGpu: Detector = {
  kind: 'no-gpu',
  detect: ({ evidence, lines, log }) => {
    const hit = lastHit(lines, ...patterns);
    if (hit === undefined || lastHit(log, ...driverTooOld) !== undefined) {
      return undefined;
    }
    const started = evidence.events.findLast((e) => e.type === 'job.started');
    const gpus = started?.type === 'job.started' ? started.host.gpus : [];
    const { project } = evidence;
    const none = started !== undefined && gpus.length === 0;
    const cpu = project?.target.cpu !== undefined || none;
    const build = /not compiled with CUDA/.test(hit.line) && !cpu;
    const requirements = project?.target.requirements;
    const seen = started === undefined ? [] : [none ? 'the pod has no GPU' : `GPUs of the pod: ${gpus.join(', ')}`];
    return {
      at: hit.at,
      what: build ? 'The installed torch is a build without CUDA.' : 'The step wants a GPU and sees none.',
      evidence: [shown(hit.line), ...seen],
      why: build
        ? requirements === undefined
          ? 'The pod has a GPU, but the torch of its image, or one that a step installed, cannot use it.'
          : `A requirements file that names torch can put a CPU build in front of the one in the image; this project installs ${requirements}.`
        : project?.target.cpu !== undefined
          ? 'The project asks for a pod without a GPU ("target.cpu").'
          : none
            ? 'The job ran on a pod without a GPU.'
            : 'The host lost its GPU, or CUDA_VISIBLE_DEVICES hides it.',
      next: build
        ? requirements === undefined
          ? 'Use an image whose torch is built for CUDA, and check that no step installs another torch.'
          : `Take torch out of ${requirements}, so that the one of the image is used.`
        : project?.target.cpu !== undefined
          ? 'Name GPU types under "target.gpus" in place of "target.cpu", or let the code run on the CPU.'
          : none
            ? 'Check that "target.gpus" names the GPU that the code needs, and run again.'
            : 'Run again, which rents another host; check that no step sets CUDA_VISIBLE_DEVICES.',
      change: null,
    };
  },
};
