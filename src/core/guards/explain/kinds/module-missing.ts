import { brief, lastHit, shown } from '../lines.ts';
import type { Change, Detector, Facts, Finding } from '../types.ts';

const patterns = [
  /ModuleNotFoundError: No module named '([\w.]+)'(?:; '([\w.]+)' is not a package)?/,
  /python[\d.]*: No module named '?([\w.]+)'?$/,
  /requires the ([\w-]+) library but it was not found in your environment/,
  /ImportError: .*\bpip install (?:-[-\w]+ )*['"`]?([A-Za-z][\w.-]*)/,
  /^The package ([\w-]+) is missing\./,
  /cannot run notebooks: (?:.*\b)?(nbclient|ipykernel)\b.* missing\./,
];

/** Names under which packages are installed, where that is not the name that is imported. */
const packages: Readonly<Record<string, string>> = {
  bs4: 'beautifulsoup4',
  Crypto: 'pycryptodome',
  cv2: 'opencv-python-headless',
  dateutil: 'python-dateutil',
  dotenv: 'python-dotenv',
  fitz: 'pymupdf',
  git: 'GitPython',
  google: 'protobuf',
  PIL: 'pillow',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  yaml: 'pyyaml',
  whisper: 'openai-whisper',
};

/** A Python module is not on the pod. */
export const moduleMissing: Detector = {
  kind: 'module-missing',
  detect: (facts) => {
    const hit = lastHit(facts.lines, ...patterns);
    const module = hit?.match[1];
    if (hit === undefined || module === undefined) {
      return undefined;
    }
    const top = module.split('.')[0] ?? module;
    const file = hit.match[2];
    if (file !== undefined) {
      return shadowed(hit.at, hit.line, file);
    }
    const own = (facts.evidence.localNames ?? []).find((n) => n === top || n === `${top}.py`);
    if (own !== undefined) {
      return ofProject(facts, hit.at, hit.line, own);
    }
    // Python names a part only when it found the whole.
    const isPart = module !== top && hit.line.includes('ModuleNotFoundError');
    return isPart ? partMissing(hit.at, hit.line, module, top) : fromElsewhere(facts, hit.at, hit.line, top);
  },
};

function shadowed(at: number, line: string, name: string): Finding {
  return {
    at,
    what: `The name ${brief(name)} leads to a single file, which has no modules in it.`,
    evidence: [shown(line)],
    why: `Python found a file ${brief(name)}.py before a package of that name, most often one of the project itself.`,
    next: 'Give the file another name, or import what the file holds.',
    change: null,
  };
}

function partMissing(at: number, line: string, module: string, top: string): Finding {
  return {
    at,
    what: `The installed ${brief(packages[top] ?? top)} has no module ${brief(module)}.`,
    evidence: [shown(line)],
    why: 'The package is there, in another version than the code was written for, or the name is misspelt.',
    next: `Check the spelling, or name the version of ${brief(packages[top] ?? top)} that the code needs in the requirements file.`,
    change: null,
  };
}

function ofProject({ evidence: { project } }: Facts, at: number, line: string, own: string) {
  const entry = own.endsWith('.py') ? own : `${own}/`;
  const must = project?.sync.must ?? [];
  const change: Change | null =
    project === undefined || must.includes(entry)
      ? null
      : { path: ['sync', 'must'], from: must, to: [...must, entry], text: `Add "${entry}" to "sync.must".` };
  return {
    at,
    what: `The module ${own.replace(/\.py$/, '')} of the project is not on the pod.`,
    evidence: [shown(line)],
    why: 'Only what the "sync" section names is uploaded.',
    next:
      change?.text ??
      `Check that "sync.never" and .runpodignore files do not leave parts of ${own} out, and that every folder on the way is a package.`,
    change,
  };
}

function fromElsewhere({ evidence: { project } }: Facts, at: number, line: string, top: string) {
  const name = packages[top] ?? top;
  const file = project?.target.requirements;
  const text = `Add "${name}" to ${file ?? 'a requirements file, and name it under "target.requirements"'}.`;
  const change: Change | null =
    project === undefined
      ? null
      : file === undefined
        ? { path: ['target', 'requirements'], from: null, to: 'requirements.txt', text }
        : { path: null, from: null, to: name, text };
  return {
    at,
    what: `The Python package ${brief(name)} is not installed on the pod.`,
    evidence: [shown(line)],
    why: `The image does not bring ${brief(top)}, and the requirements file does not name it.`,
    next: text,
    change,
  };
}
