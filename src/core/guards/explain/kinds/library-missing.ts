import { brief, lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const pattern =
  /(?:ImportError|OSError|error while loading shared libraries): (?:dlopen: )?(lib[\w.+-]+): cannot open shared object file/;

/** System packages of Debian and Ubuntu that bring what images lack most often. */
const packages: readonly [RegExp, string][] = [
  [/^libGL\.so/, 'libgl1'],
  [/^libgthread|^libglib/, 'libglib2.0-0'],
  [/^libsndfile/, 'libsndfile1'],
  [/^libSM\.so/, 'libsm6'],
  [/^libXext/, 'libxext6'],
  [/^libgomp/, 'libgomp1'],
];
const ofCuda = /^lib(?:cuda|cud|cublas|cudnn|cufft|curand|cusolver|cusparse|nccl|nvrtc|nvJitLink|nvidia)/;

/** A library of the system that a package needs is not in the image. */
export const libraryMissing: Detector = {
  kind: 'library-missing',
  detect: ({ lines }) => {
    const hit = lastHit(lines, pattern);
    const name = hit?.match[1];
    if (hit === undefined || name === undefined) {
      return undefined;
    }
    const from = packages.find(([library]) => library.test(name))?.[1];
    return {
      at: hit.at,
      what: `The library ${brief(name)} is not on the pod.`,
      evidence: [shown(hit.line)],
      why: ofCuda.test(name)
        ? 'A package was built for another CUDA than the one in the image, or the image has none.'
        : 'A Python package needs a library of the system that the image does not bring.',
      next: ofCuda.test(name)
        ? 'Install the build of the package for the CUDA of the image, or use an image with the CUDA that it needs.'
        : from === undefined
          ? 'Install it with apt-get at the beginning of the step, or use an image that brings it.'
          : `Install it at the beginning of the step: apt-get update && apt-get install -y ${from}.`,
      change: null,
    };
  },
};
