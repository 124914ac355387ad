import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, posix } from 'node:path';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { indexName, provided } from '../packages.ts';
import { notUploaded as whyNot } from '../not-uploaded.ts';
import type { Requirements } from '../python.ts';
import { didYouMean } from '../../../project/check.ts';
import { nearbyFile, projectFiles } from '../../../project/nearby.ts';
import { fileFix } from './step-files.ts';

export const requirements: Check = {
  id: 'requirements',
  title: 'Requirements file',
  run: async (facts, say) => {
    const file = facts.project.target.requirements;
    if (file === undefined || !facts.rentsPod) {
      return;
    }
    const at = facts.place('target', 'requirements');
    if (!existsSync(join(facts.root, file))) {
      const near = nearbyFile(file, await projectFiles(facts.root));
      say.error('requirements-missing', {
        what: `The requirements file ${file} does not exist in the project folder.${didYouMean(near)}`,
        why: 'The packages of the steps are installed from it.',
        next: 'Correct the name, create it, or take "target.requirements" out.',
        at,
        ...fileFix({ kind: 'file', near, create: file }, at),
      });
      return;
    }
    if (!(await facts.isUploaded(file))) {
      for (const { reason, next } of whyNot(facts, [{ path: file }])) {
        say.error('requirements-not-uploaded', {
          what: `The requirements file is ${file}, which ${reason}.`,
          why: 'The pod could not install what the steps need.',
          next,
          at,
        });
      }
    }
    const found = await facts.requirements();
    if (found === undefined) {
      say.unknown(`The requirements file ${file} could not be opened.`);
      return;
    }
    const uploaded = new Set((await facts.scan()).files.map((f) => f.path));
    const about = { facts, say, found, uploaded, at };
    if (found.pip === null) {
      say.unknown(`The Python of this machine has no pip, so the lines of ${file} were not checked.`);
    } else {
      refused(about);
      conflicts(about);
      failing(about);
    }
    variables(about);
    includes(about);
    places(about);
    torch(about);
  },
};

interface About {
  facts: Facts;
  say: Say;
  found: Requirements;
  uploaded: ReadonlySet<string>;
  at: (string | number)[];
}

const refuses = 'pip would refuse the whole file, on a pod that is paid for.';

/** What pip does not read, in its own words. */
function refused({ facts, say, found, at }: About): void {
  for (const [file, line, said] of found.refused) {
    say.error('requirements-line', { ...refusal(file, line, said), why: refuses, at });
  }
  for (const { file, line, text, problem } of found.lines.filter((l) => l.problem !== null && !isMissing(l.path))) {
    say.error('requirements-line', {
      what: `${file}, line ${line}: "${text.slice(0, 100)}" is no requirement. pip says: ${oneLine(problem ?? '')}.`,
      why: refuses,
      next: 'Write it as name==version.',
      at,
    });
  }

  /** That it is not there is told with the places. */
  function isMissing(path: string | null): boolean {
    return path !== null && !existsSync(join(facts.root, path));
  }
}

/** pip speaks of options as if they had been given to a command. */
function refusal(file: string, line: number, said: string): { what: string; next: string } {
  const option = /no such option: (\S+)/.exec(said)?.[1];
  if (line === 0) {
    return { what: `${file} is not text that pip can read: ${oneLine(said)}.`, next: 'Save it as UTF-8.' };
  }
  if (option === undefined) {
    const bare = oneLine(said).replace(/^(?:.*: )?error: /, '');
    return { what: `pip does not take line ${line} of ${file}: ${bare}.`, next: 'Correct the line.' };
  }
  return {
    what: `${file}, line ${line} has ${option}, which pip takes where it is called and not in a file.`,
    next: /^-+user$/.test(option)
      ? 'Take it out: the packages get an environment of their own.'
      : 'Take it out; what a package needs stands behind its name, such as a version.',
  };
}

function conflicts({ say, found, at }: About): void {
  for (const { name, text, file, line, other, other_file, other_line } of found.conflicts) {
    const where = other_file === file ? `line ${other_line}` : `${other_file}, line ${other_line}`;
    say.error('requirements-conflict', {
      what: `${file} asks for ${text} (line ${line}), and for ${other} (${where}).`,
      why: `No version of ${name} is both, so pip refuses the whole file.`,
      next: 'Keep one of them.',
      at,
    });
  }
}

/** Hashes that are missing, and wheels for other machines. */
function failing({ facts, say, found, at }: About): void {
  const inImage = provided([], facts.image?.official);
  for (const { file, line, text, name, kind, said, sure } of found.failing) {
    // pip leaves what is there already as it is.
    const tell = sure && !inImage.has(name ?? '') ? say.error.bind(say) : say.warning.bind(say);
    const what = `${file}, line ${line}: "${text.slice(0, 100)}" cannot be installed: ${said.replace(/\.+$/, '')}.`;
    if (kind === 'hash') {
      tell('requirements-hash', {
        what,
        why: 'Where one line has a hash or asks for hashes, pip refuses every package without its own.',
        next: 'Give every line its version with == and a hash, or take all hashes out.',
        at,
      });
    } else {
      tell('requirements-wheel', {
        what,
        why: refuses,
        next: "Name the wheel for Linux and the Python of the image, or the package's version on the index.",
        at,
      });
    }
  }
}

/** Variables that every pod has; an image may bring more. */
const ofPods = /^(?:PATH|HOME|HOSTNAME|LANG|USER|PWD|SHELL|RUNPOD_POD_ID|RUNPOD_DC_ID|CUDA_VERSION|NVIDIA_\w+|NV_\w+)$/;

/** Of what pip would find no value on the pod, it takes the name for the text. */
function variables({ facts, say, found, at }: About): void {
  const secrets = new Set(facts.project.steps.flatMap((step) => step.secrets ?? []));
  const isKnownImage = facts.image?.official !== undefined;
  for (const { file, line, name, sure } of found.unset) {
    if (secrets.has(name) || ofPods.test(name)) {
      continue;
    }
    const tell = sure && isKnownImage ? say.error.bind(say) : say.warning.bind(say);
    tell('requirements-variable', {
      what: `${file}, line ${line} names the variable ${name}, ${isKnownImage ? 'which the pod does not have' : 'which the pod has only when the image sets it'}.`,
      why: `pip would leave \${${name}} as it is${sure ? ', and the line could not be installed, on a pod that is paid for' : ''}.`,
      next: `Set ${name} in "env" of the project, or name it in the "secrets" of a step.`,
      at,
    });
  }
}

/** Files that `-r` and `-c` name, in any depth. */
function includes({ facts, say, found, uploaded, at }: About): void {
  for (const { file, line, path, there, again } of found.includes) {
    const outside = isOutside(path);
    if (again) {
      say.error('requirements-include', {
        what: `${file}, line ${line} includes ${path}, which includes it again.`,
        why: 'pip would not come to an end with it.',
        next: 'Take one of the lines out.',
        at,
      });
    } else if (outside) {
      say.warning('requirements-local', elsewhere(file, line, path, at));
    } else if (!there && facts.localMaker(path) === undefined) {
      say.error('requirements-include', {
        what: `${file}, line ${line} includes ${path}, which does not exist.`,
        why: refuses,
        next: 'Correct the name, or add the file (and upload it).',
        at,
      });
    } else if (there && !uploaded.has(path)) {
      say.error('requirements-include', notUploaded(facts, file, line, path, at));
    }
  }
}

/** Folders and archives of this disk from which a line installs. pip looks for them from the project's folder. */
function places({ facts, say, found, uploaded, at }: About): void {
  const lines = found.lines.flatMap((l) => (l.path === null ? [] : [{ ...l, path: l.path, sure: l.applies === true }]));
  const links = found.links.map(([file, line, path]) => ({ file, line, path, sure: false, applies: null }));
  for (const { file, line, path, sure, applies } of [...lines, ...links]) {
    const tell = sure ? say.error.bind(say) : say.warning.bind(say);
    if (applies === false) {
      continue;
    }
    if (isOutside(path)) {
      if (isOnlyHere(path)) {
        tell('requirements-local', elsewhere(file, line, path, at));
      } else if (!mayBeOnPod(path, facts.project.target.mount)) {
        say.warning('requirements-local', elsewhere(file, line, path, at));
      }
      continue;
    }
    const plain = posix.normalize(path).replace(/^\.$|\/$/g, '');
    const here = statSync(join(facts.root, plain), { throwIfNoEntry: false });
    const there =
      here?.isDirectory() === true
        ? sure
          ? ['pyproject.toml', 'setup.py'].some((name) => uploaded.has(posix.join(plain, name)))
          : [...uploaded].some((name) => name.startsWith(plain === '' ? '' : `${plain}/`))
        : uploaded.has(plain);
    if (here === undefined && facts.localMaker(plain) === undefined) {
      tell('requirements-include', {
        what: `${file}, line ${line} installs from ${path}, which does not exist.`,
        why: refuses,
        next: 'Correct the name, or add it (and upload it).',
        at,
      });
    } else if (here !== undefined && !there) {
      tell('requirements-include', notUploaded(facts, file, line, path, at));
    }
  }
}

function torch({ facts, say, found, at }: About): void {
  const line = found.lines.find((l) => !l.constraint && l.applies !== false && indexName(l.name ?? '') === 'torch');
  const pin = /===?\s*([^\s,;*]+)/.exec(line?.text.split(';')[0] ?? '')?.[1];
  const { image } = facts;
  const same = pin !== undefined && image?.torch !== undefined && pin.startsWith(`${image.torch}.`);
  if (line !== undefined && image?.official === 'pytorch' && !same) {
    say.warning('requirements-torch', {
      what: `${line.file} names torch (line ${line.line}), which the image brings along${image.torch === undefined ? '' : ` in version ${image.torch}`}.`,
      why: "The one from the index may be built for another CUDA, and replacing the image's takes gigabytes and minutes of paid time.",
      next: 'Leave torch out, or choose the image with the version that you need.',
      at,
    });
  }
}

function isOutside(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:/.test(path) || posix.normalize(path).split('/')[0] === '..';
}

/** Where images and volumes keep what they bring along. */
const ofImages = /^\/(?:opt|usr|root|srv|app|workspace|runpod-volume)\//;

function mayBeOnPod(path: string, mount: string): boolean {
  return path.startsWith(`${mount}/`) || ofImages.test(path);
}

/** A place of this disk that no pod has: of a person's home, of Windows, or one that is here and not of an image. */
function isOnlyHere(path: string): boolean {
  return (
    /^[A-Za-z]:|^\/(?:home|Users|Volumes|mnt\/[a-z])\//.test(path) ||
    path.startsWith(`${homedir()}/`) ||
    (path.startsWith('/') && !ofImages.test(path) && existsSync(path))
  );
}

function elsewhere(file: string, line: number, path: string, at: (string | number)[]) {
  return {
    what: `${file}, line ${line} names ${path}, a place outside of the project.`,
    why: 'The pod has the project in another place, and nothing else of this machine.',
    next: 'Name a published version, a repository address, or a path inside the project that is uploaded.',
    at,
  };
}

function notUploaded(facts: Facts, file: string, line: number, path: string, at: (string | number)[]) {
  const plain = posix.normalize(path).replace(/\/$/, '');
  // Of a folder that pip builds, what says how.
  const build = ['pyproject.toml', 'setup.py']
    .map((name) => posix.join(plain, name))
    .find((one) => existsSync(join(facts.root, one)));
  const [why] = whyNot(facts, [{ path: build ?? plain }]);
  return {
    what: `${file}, line ${line} ${build === undefined ? `names ${path}` : `needs ${build}`}, which ${why?.reason ?? 'is not uploaded'}.`,
    why: 'pip would not find it, on a pod that is paid for.',
    next: why?.next ?? '',
    at,
  };
}

const oneLine = (said: string): string => said.split('\n')[0]?.replace(/[.\s]+$/, '') ?? '';
