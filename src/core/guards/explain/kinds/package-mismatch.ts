import { brief, lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

/** Versions that do not fit together, as their import says it. */
const patterns = [
  /ImportError: cannot import name '([\w.]+)' from '([\w.]+)'/,
  /undefined symbol: (\S+)/,
  /(numpy)\.(?:dtype|ndarray|ufunc) size changed, may indicate binary incompatibility/,
  /A module that was compiled using (NumPy) 1\.x cannot be run in/,
  /AttributeError: module '(numpy|torch|transformers|scipy|pandas|sklearn)(?:\.[\w.]+)?' has no attribute '\w+'/,
  /version `(GLIBC(?:XX)?_[\d.]+)' not found/,
  /ImportError: (\S+)[<>=!~]+\S* is required for a normal functioning of this module, but found/,
  /pkg_resources\.(?:Contextual)?VersionConflict: \(([\w.-]+)/,
  /was compiled with CUDA (?:Version ?=? ?)?[\d.]+.* (?:but|and) .*(torchvision|torchaudio)/,
  /operator (torchvision)::nms does not exist/,
];

/** The installed versions of packages do not fit together, or not the code. */
export const packageMismatch: Detector = {
  kind: 'package-mismatch',
  detect: ({ lines, evidence }) => {
    const hit = lastHit(lines, ...patterns);
    const [, name = '', from] = hit?.match ?? [];
    const top = from?.split('.')[0];
    // A module of the project that lacks a name, or imports itself in a circle, is no matter of versions.
    const isOwn = top !== undefined && (evidence.localNames ?? []).some((n) => n === top || n === `${top}.py`);
    if (hit === undefined || isOwn || /partially initialized module|unknown location/.test(hit.line)) {
      return undefined;
    }
    const isLibrary = /undefined symbol|GLIBC/.test(hit.line);
    return {
      at: hit.at,
      what: isLibrary
        ? 'A compiled package does not fit the libraries that it was loaded with.'
        : top === undefined
          ? `The installed version of ${brief(name)} does not fit what uses it.`
          : `The installed ${brief(top)} has no ${brief(name)}.`,
      evidence: [shown(hit.line)],
      why: isLibrary
        ? 'It was built for another version of torch, CUDA or the system than the one in the image.'
        : 'The code, or another package, was written for another version of it.',
      next: isLibrary
        ? 'Install the build that is made for the torch, CUDA and Python of the image, or use an image that fits it.'
        : 'Name versions that fit each other in the requirements file, and run again.',
      change: null,
    };
  },
};
