import { lastHit, shown } from '../lines.ts';
import type { Change, Detector, Facts } from '../types.ts';

/** The host's driver is older than what the image's CUDA needs (cudaErrorCompatNotSupportedOnDevice is 804). */
export const driverTooOld = [
  /forward compatibility was attempted on non supported HW/,
  /driver version is insufficient for CUDA runtime version/,
  /NVIDIA driver on your system is too old(?: \(found version (\d+)\))?/,
  /the provided PTX was compiled with an unsupported toolchain/,
];
/** What torch says when it found no GPU; it has warned before where an old driver is why. */
export const noDevice = [/No CUDA GPUs are available/, /no CUDA-capable device is detected/];
/** This build of torch has no code for this GPU (torch.cuda warns, the first kernel fails). */
const noKernel = [
  /no kernel image is available for execution on the device/,
  /^(.*) with CUDA capability (sm_\d+) is not compatible with the current PyTorch installation/,
];

/** The widest official image: CUDA 12.8 with kernels from Volta to Blackwell. */
const wideImage = 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404';

/** CUDA of the image, the driver of the host and the GPU do not fit together. */
export const cudaMismatch: Detector = {
  kind: 'cuda-mismatch',
  detect: (facts) => {
    const foreign = lastHit(facts.lines, ...noKernel);
    const nothing = lastHit(facts.lines, ...noDevice);
    const old = lastHit(facts.lines, ...driverTooOld) ?? (nothing && lastHit(facts.log, ...driverTooOld));
    if (old !== undefined && foreign === undefined) {
      return driverFinding(facts, nothing?.at ?? old.at, old.line, old.match[1]);
    }
    return foreign === undefined ? undefined : kernelFinding(facts, foreign.at, foreign.line);
  },
};

/** CUDA of an image by its tag, `major.minor`: `cu1281` and `cuda12.8.1` are 12.8. */
export function imageCuda(image: string): string | undefined {
  const dotted = /cuda(\d+)\.(\d+)/.exec(image);
  const short = /\bcu(\d{2})(\d)/.exec(image);
  const match = dotted ?? short;
  return match === null ? undefined : `${match[1] ?? ''}.${match[2] ?? ''}`;
}

function driverFinding({ evidence: { project } }: Facts, at: number, line: string, found: string | undefined) {
  const target = project?.target;
  const needs = target === undefined ? undefined : imageCuda(target.image);
  const from = target?.minCuda ?? null;
  const change: Change | null =
    needs === undefined || (from !== null && Number(from) >= Number(needs))
      ? null
      : {
          path: ['target', 'minCuda'],
          from,
          to: needs,
          text: `Set "target.minCuda" to "${needs}", so that only hosts with a driver for the image's CUDA are rented.`,
        };
  // 12020 is CUDA 12.2.
  const version =
    found === undefined ? undefined : `${Math.floor(Number(found) / 1000)}.${Math.floor((Number(found) % 1000) / 10)}`;
  const image = target === undefined ? [] : [`image: ${target.image}`];
  return {
    at,
    what: "The host's NVIDIA driver is too old for the CUDA of the image.",
    evidence: [shown(line), ...(version === undefined ? [] : [`the driver supports CUDA ${version}`]), ...image],
    why: 'The driver belongs to the host that happened to be rented; an image brings its own CUDA and needs a driver at least as new.',
    next:
      change?.text ??
      'Raise "target.minCuda" to the CUDA version of the installed torch, or use an image with an older CUDA.',
    change,
  };
}

function kernelFinding({ evidence, log }: Facts, at: number, line: string) {
  const warning = lastHit(log, /^(.*) with CUDA capability (sm_\d+) is not compatible/);
  const started = evidence.events.findLast((e) => e.type === 'job.started');
  const gpu =
    warning?.match[1]?.replace(/^.*UserWarning:\s*/, '') ??
    (started?.type === 'job.started' ? started.host.gpus[0] : undefined);
  const image = evidence.project?.target.image;
  const change: Change | null =
    image === undefined || image === wideImage
      ? null
      : {
          path: ['target', 'image'],
          from: image,
          to: wideImage,
          text: `Use the image ${wideImage}, whose torch has code for GPUs from Volta to Blackwell.`,
        };
  const named = gpu === undefined ? 'this GPU' : gpu;
  return {
    at,
    what: `The installed torch has no code for ${named}.`,
    evidence: [...new Set([shown(line), ...(warning === undefined ? [] : [shown(warning.line)])])],
    why: 'Every build of torch holds kernels for some GPU generations only; Blackwell (sm_100, sm_120) needs torch 2.7 with CUDA 12.8 or newer.',
    next: `${change?.text ?? 'Install a torch build for this GPU in the requirements file.'} Or take ${named} out of "target.gpus".`,
    change,
  };
}
