import type { Project, Step } from '../../../project/schema.ts';
import { brief, lastHit, shown, type Hit } from '../lines.ts';
import type { Change, Detector, Facts, Finding, ProjectPath } from '../types.ts';
import { isCommand } from './command-missing.ts';

const patterns = [
  /FileNotFoundError: \[Errno 2\] No such file or directory: ['"]([^'"]+)['"]/,
  /(?:FileNotFoundError|OSError|ArrowInvalid): (?:\[Errno 2\] )?(?:Failed to open local file|Cannot open file|Unable to find|Couldn't find file at|Couldn't find any data file at|No such file or directory(?: \(os error 2\))?:?) ['"]?([^'"\s]+?)['"]?(?:\.?(?:\s|$))/,
  /(?:DataFilesNotFoundError: No (?:\(supported\) )?data files found in|EmptyDatasetError: The directory at) (\S+)/,
  /Unable to (?:synchronously )?open file \((?:unable to open file: )?name = '([^']+)', errno = 2/,
  /LibsndfileError: Error opening '([^']+)': System error/,
  /IO Error: No files found that match the pattern "([^"]+)"/,
  /FileNotFoundError: (\S*[^\s.]) not found\.?$/,
  // pyarrow and fsspec say the path and nothing else.
  /FileNotFoundError: ['"]?((?!\[)(?:[^\s'":]|:(?=[\\/]))+)['"]?$/,
  /HFValidationError: Repo id must .*'(\/[^']+)'/,
  /can't open file '([^']+)': \[Errno 2\]/,
  /^(?:bash|\/bin\/bash|sh): (?:line \d+: )?([^:\s]+): No such file or directory/,
  /^(?:cat|cp|mv|ls|tar|rm|head|tail|wc): (?:cannot (?:access|stat|open) )?'?([^':]+)'?: (?:Cannot open: )?No such file or directory/,
];

/** Something of that name is there, of the other sort. */
const otherSort = [
  /IsADirectoryError: \[Errno 21\] Is a directory: '([^']+)'/,
  /NotADirectoryError: \[Errno 20\] Not a directory: '([^']+)'/,
];
/** OpenCV warns of a file that is not there, and the code then uses the picture that it did not get. */
const noPicture = /imread_\('([^']+)'\): can't open\/read file/;
const usesNothing = /'NoneType' object|error: \(-215:Assertion failed\) !\w+\.empty\(\)/;

/** Paths as they are on people's own computers. */
const laptop = /^(?:[A-Za-z]:[\\/]|\/Users\/|\/home\/|\/mnt\/[a-z]\/|~)/;

/** A file that the step names is not where it looks. */
export const pathMissing: Detector = {
  kind: 'path-missing',
  detect: (facts) => {
    const sort = lastHit(facts.lines, ...otherSort);
    if (sort !== undefined) {
      return otherSortFinding(sort, sort.match[1] ?? '');
    }
    const used = lastHit(facts.lines, usesNothing);
    const hit = lastHit(facts.lines, ...patterns) ?? (used && lastHit(facts.log, noPicture));
    const path = hit?.match[1];
    // What should be started and is not there is a command, not a file of the project.
    if (hit === undefined || path === undefined || isCommand(path, facts.frames)) {
      return undefined;
    }
    const { what, why, next, better } = judge(path, facts);
    const place = placeOf(path, facts);
    const change: Change | null =
      place === undefined || better === undefined
        ? null
        : {
            path: place.path,
            from: place.whole,
            to: place.whole.replace(path, better),
            text: `Set it to ${better} in the project file.`,
          };
    return {
      at: used?.at ?? hit.at,
      what,
      evidence: [shown(hit.line)],
      why,
      next: [change?.text, next].filter((t) => t !== undefined).join(' '),
      change,
    };
  },
};

function otherSortFinding({ at, line }: Hit, path: string): Finding {
  const isFolder = line.includes('IsADirectoryError');
  return {
    at,
    what: isFolder
      ? `The step opens ${brief(path)} as a file, and it is a folder.`
      : `The step uses ${brief(path)} as if a folder stood there or on the way to it, and that is a file.`,
    evidence: [shown(line)],
    why: 'Something of that name is on the pod, of another sort than the code expects.',
    next: isFolder
      ? 'Name a file in it, or read the folder with what reads folders.'
      : 'Name another path, or remove the file that stands in its way.',
    change: null,
  };
}

function judge(
  path: string,
  { evidence }: Facts,
): { what: string; why: string; next: string; better?: string | undefined } {
  const { mount = '/workspace', project, localNames = [] } = evidence;
  const what = `The step looks for ${brief(path)}, which is not there.`;
  if (laptop.test(path)) {
    const name = path.split(/[\\/]/).at(-1) ?? path;
    return {
      what,
      why: 'That is a path of another computer; on the pod the project lies on the volume and is the working directory.',
      next: `Name the file relative to the project folder (its name is ${brief(name)}), and upload it under "sync.data" or "sync.must".`,
    };
  }
  const [, above] = /^((?:\.\.\/)+)/.exec(path) ?? [];
  if (above !== undefined) {
    const inside = path.slice(above.length);
    const here = localNames.includes(inside.split('/')[0] ?? '');
    return {
      what,
      why: 'Every step, also a notebook in a folder of its own, runs in the project folder, so this path leads out of the project.',
      next: here
        ? `In the project it is ${brief(inside)}; check too that "sync" uploads it.`
        : 'Name it from the project folder, and upload it under "sync.data" or "sync.must".',
      better: here ? inside : undefined,
    };
  }
  const foreign = ['/runpod-volume', '/workspace'].find((m) => m !== mount && (path === m || path.startsWith(`${m}/`)));
  if (foreign !== undefined) {
    return {
      what,
      why: `The volume of this pod is mounted at ${mount}, not at ${foreign}.`,
      next: 'Better still, name paths relative to the project folder, which is the working directory of every step.',
      better: `${mount}${path.slice(foreign.length)}`,
    };
  }
  const relative = relativeTo(path, project?.name, mount);
  const top = relative?.split('/')[0] ?? '';
  if (relative !== undefined && localNames.includes(top)) {
    return {
      what,
      why: `${brief(top)} is in the project's folder on this computer, but this file of it was not uploaded or is written by a step that did not run.`,
      next: `Check that "sync" names ${brief(relative)} and that "sync.never" does not leave it out, or let the step before write it.`,
    };
  }
  return {
    what,
    why: 'Every step begins in the project folder on the volume; nothing else of this computer is there.',
    next: 'Check the spelling, that "sync" uploads it, or that an earlier step writes it; a gate of type "file" on that step finds it sooner.',
  };
}

/** The path below the project's folder on the pod; undefined when it lies elsewhere. */
function relativeTo(path: string, project: string | undefined, mount: string): string | undefined {
  if (!path.startsWith('/')) {
    return path.replace(/^\.\//, '');
  }
  const root = `${mount}/projects/${project ?? ''}/`;
  return project !== undefined && path.startsWith(root) ? path.slice(root.length) : undefined;
}

interface Place {
  path: ProjectPath;
  whole: string;
}

/** Where the project file hands this path, or a folder above it, to the step. */
function placeOf(path: string, { evidence: { project }, step }: Facts): Place | undefined {
  const index = project?.steps.findIndex((s) => s.name === step?.name) ?? -1;
  const own = project?.steps[index];
  return project === undefined || own === undefined
    ? undefined
    : texts(project, own, index).find(({ whole }) => whole.includes(path));
}

function texts(project: Project, step: Step, index: number): Place[] {
  const at: ProjectPath = ['steps', index];
  const parameters = Object.entries(step.parameters ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' ? [{ path: [...at, 'parameters', name], whole: value }] : [],
  );
  const env = (from: Readonly<Record<string, string>>, below: ProjectPath): Place[] =>
    Object.entries(from).map(([name, whole]) => ({ path: [...below, name], whole }));
  return [
    ...parameters,
    ...(step.args ?? []).map((whole, i) => ({ path: [...at, 'args', i], whole })),
    ...(step.shell === undefined ? [] : [{ path: [...at, 'shell'], whole: step.shell }]),
    ...env(step.env ?? {}, [...at, 'env']),
    ...env(project.env, ['env']),
  ];
}
