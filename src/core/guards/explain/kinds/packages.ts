import { brief, lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

/** pip's and uv's last sentences, where they say which package it was. */
const build = [
  /^ERROR: Failed to build (?:installable wheels for some pyproject\.toml based projects \()?([\w.-]+)/,
  /^ERROR: Could not build wheels for ([\w.-]+)/,
  /^error: failed-wheel-build-for-install/,
  /^ERROR: Failed building wheel for ([\w.-]+)/,
  /^Failed to build ([\w.-]+)/,
  /^error: (?:subprocess-exited-with-error|metadata-generation-failed|legacy-install-failure)/,
];
const absent = [
  /^ERROR: No matching distribution found for ([\w.-]+)/,
  /^ERROR: Could not find a version that satisfies the requirement ([\w.-]+)/,
];
const conflict = [
  /^ERROR: ResolutionImpossible/,
  /^ERROR: Cannot install (.{1,200}?) because these package versions have conflicting dependencies/,
];
const hash = [/^ERROR: THESE PACKAGES DO NOT MATCH THE HASHES/, /^ERROR: Hashes are required/];
const managed = [/^error: externally-managed-environment/];

/** Packages that need torch, or a compiler of CUDA, while they are built. */
const needsTorch = /ModuleNotFoundError: No module named 'torch'/;
const needsNvcc = /(?:nvcc was not found|CUDA_HOME environment variable is not set|nvcc: (?:command )?not found)/;

/** pip could not install what is asked for. */
export const packagesRefused: Detector = {
  kind: 'packages',
  detect: ({ lines, log }) => {
    const all = [...build, ...absent, ...conflict, ...hash, ...managed];
    const hit = lastHit(lines, ...all);
    if (hit === undefined) {
      return undefined;
    }
    const said = lastHit(log, ...all.filter((p) => p.source.includes('([\\w.-]+)'))) ?? hit;
    const name = brief(said.match[1] ?? 'a package');
    const is = (patterns: readonly RegExp[]): boolean => lastHit([hit.line], ...patterns) !== undefined;
    const first = {
      at: hit.at,
      evidence: [...new Set([said.line, hit.line])].map((line) => shown(line)),
      change: null,
    };
    if (is(absent)) {
      return {
        ...first,
        what: `pip finds no version of ${name} that fits.`,
        why: 'The name or the version does not exist, has no build for the Python of the pod, or the index could not be reached.',
        next: `Check the name and the version of ${name}, and that it has a build for the Python of the image.`,
      };
    }
    if (is(conflict)) {
      return {
        ...first,
        what: 'The requirements contradict each other, so pip installs nothing.',
        why: 'Two of them need versions of a third one that no single version satisfies.',
        next: "Loosen one of the versions that pip's lines above name.",
      };
    }
    if (is(hash)) {
      return {
        ...first,
        what: 'A package is another one than the requirements file says, by its hash.',
        why: 'The file was replaced at the index, or the hash belongs to a build for another platform.',
        next: 'Write the hashes of the builds for Linux into the requirements file, after looking why they differ.',
      };
    }
    if (is(managed)) {
      return {
        ...first,
        what: "pip may not install into the system's Python.",
        why: 'The Python of the image is kept by its system.',
        next: 'Name the packages in "target.requirements", which are installed into an environment of their own.',
      };
    }
    const torch = lastHit(log, needsTorch) !== undefined && name !== 'torch';
    const nvcc = lastHit(log, needsNvcc) !== undefined;
    return {
      ...first,
      what: `pip could not build ${name} on the pod.`,
      why: torch
        ? 'Its build needs torch, which pip hides from it while it builds.'
        : nvcc
          ? 'Its build needs the compiler of CUDA (nvcc), which is only in images whose name says "devel".'
          : 'There is no ready build of it for this Python, and what its build needs is not there or failed.',
      next: torch
        ? `Name a ready wheel of ${name} for the torch of the image, or install it in a step with the build isolation of pip turned off.`
        : nvcc
          ? `Use an image with the compiler, or a ready wheel of ${name}.`
          : `Name a version of ${name} that has a ready build, or look at the lines before: they say what its build misses.`,
    };
  },
};
