import { compilePattern, fileMatcher, normal, type Pattern } from '../../files/patterns.ts';
import { codeFiles, stepsOn } from '../../journal/spec.ts';
import type { GoneAnswer } from '../../project/gone.ts';
import type { Project } from '../../project/schema.ts';
import type { PutFile } from '../../transport/far-file.ts';
import { byteText, count } from '../../words/index.ts';
import { stateOf } from './compare.ts';
import type { FarState, Ghost } from './types.ts';

export interface Ghosts {
  /** Sorted by path, as the other lists are. */
  ghosts: Ghost[];
  /** Put there and not here any more, but changed there since: somebody else's. */
  changed: string[];
  /** Put there, and neither here nor there any more. */
  gone: string[];
}

export interface GhostOptions {
  /** The local steps are still to come, and make what they name. */
  beforeLocalSteps?: boolean | undefined;
}

/**
 * What lies there and is not here. Code makes way by itself; data never does: what an input names, what came under
 * "data", and whatever is no source by its name waits for a decision, whichever list it came under.
 */
export function ghostsOf(
  here: readonly { path: string }[],
  far: FarState,
  project: Project,
  options: GhostOptions = {},
): Ghosts {
  const found: Ghosts = { ghosts: [], changed: [], gone: [] };
  const paths = new Set(here.map((file) => file.path));
  const spelled = new Set(here.map((file) => normal(file.path)));
  const judge = new GhostJudge(project);
  const made = options.beforeLocalSteps === true ? stepsOn(project, 'local').flatMap((s) => s.outputs ?? []) : [];
  const isMade = matcher(made);
  for (const [path, put] of Object.entries(far.files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (paths.has(path) || isMade(path)) {
      continue;
    }
    const state = stateOf(path, far);
    if (state === 'as-put') {
      found.ghosts.push(judge.ghost(path, put, spelled.has(normal(path))));
    } else {
      found[state].push(path);
    }
  }
  return found;
}

/** Names of sources: what a step can load or run, and how it is set up. */
const sources =
  /\.(?:pyi?|pyx|pxd|ipynb|sh|bash|zsh|r|jl|lua|pl|js|mjs|ts|c|cc|cpp|cxx|h|hpp|cu|cuh|rs|go|java|so|pyd|dylib|dll|toml|ya?ml|cfg|ini|cmake)$|(?:^|\/)(?:Makefile|Dockerfile|py\.typed|\.runpodignore|(?:requirements|constraints)[^/]*\.txt)$/i;

class GhostJudge {
  readonly #keep: (path: string) => boolean;
  readonly #remove: (path: string) => boolean;
  readonly #inputs: { step: string; pattern: Pattern }[];
  readonly #code: (path: string) => boolean;
  readonly #data: (path: string) => boolean;
  readonly #must: (path: string) => boolean;
  readonly #optional: (path: string) => boolean;

  constructor({ steps, sync }: Project) {
    this.#keep = answers(sync.gone?.keep);
    this.#remove = answers(sync.gone?.remove);
    this.#inputs = steps.flatMap(({ name, inputs = [] }) =>
      inputs.map((text) => ({ step: name, pattern: compilePattern(text) })),
    );
    this.#code = matcher(steps.flatMap((step) => step.code ?? []));
    this.#data = matcher([...sync.data, ...(sync.archives ?? []).flatMap(({ from, to }) => [from, to])]);
    this.#must = matcher(sync.must);
    this.#optional = matcher(sync.optional);
  }

  ghost(path: string, put: PutFile, isRespelled: boolean): Ghost {
    const { size } = put;
    if (isRespelled) {
      return { path, size, kind: 'code', then: 'set-aside', why: 'the same name stands here in other letters' };
    }
    const data = this.#whyData(path, put);
    const kind = data === undefined ? 'code' : 'data';
    if (this.#keep(path)) {
      return { path, size, kind, then: 'keep', why: 'kept by "sync.gone"' };
    }
    if (data === undefined) {
      return { path, size, kind, then: 'set-aside', why: 'code' };
    }
    return this.#remove(path)
      ? { path, size, kind, then: 'set-aside', why: 'removed by "sync.gone"' }
      : { path, size, kind, then: 'ask', why: data };
  }

  /** By the list that it came under and by those of today; under all of them it is data unless its name is that of a source. */
  #whyData(path: string, { size, list }: PutFile): string | undefined {
    const input = this.#inputs.find(({ pattern }) => pattern.matches(path));
    if (input !== undefined) {
      return `an input of the step "${input.step}"`;
    }
    if (list === 'data' || this.#data(path)) {
      return 'came under "sync.data"';
    }
    const isSmall = codeFiles([{ path, size }]).length > 0;
    if ((isSmall && (sources.test(path) || this.#code(path))) || path.endsWith('.ipynb')) {
      return undefined;
    }
    if (list === 'must' || this.#must(path)) {
      return 'came under "sync.must"';
    }
    return list === 'optional' || this.#optional(path) ? 'came under "sync.optional"' : 'no source by its name or size';
  }
}

/** How many paths a line names. */
const named = 5;
const what: Record<Ghost['then'], string> = {
  'set-aside': 'set aside on the volume before the steps',
  ask: 'left there and asked about, since they are data',
  keep: 'kept there, as the answer about them says',
};

/**
 * A sentence for each thing that a job does about files on the volume that are not part of it any more; `given` is an
 * answer that stands before the question.
 */
export function ghostLines(ghosts: readonly Ghost[], given?: GoneAnswer): string[] {
  const answered = given === 'remove' ? 'set-aside' : given;
  const met = ghosts.map((ghost) => ({ ...ghost, then: ghost.then === 'ask' ? (answered ?? 'ask') : ghost.then }));
  return (['ask', 'set-aside', 'keep'] as const).flatMap((then) => {
    const some = met.filter((ghost) => ghost.then === then);
    const bytes = byteText(some.reduce((sum, { size }) => sum + size, 0));
    const list = some.slice(0, named).map(({ path }) => path);
    const more = some.length > named ? ` and ${some.length - named} more` : '';
    return some.length === 0
      ? []
      : [
          `${count(some.length, 'file')} (${bytes}) not part of this run any more, ${what[then]}: ${list.join(', ')}${more}`,
        ];
  });
}

function matcher(patterns: readonly string[]): (path: string) => boolean {
  const compiled = patterns.map(compilePattern);
  return (path) => compiled.some((pattern) => pattern.matches(path));
}

/** Nobody was asked about what comes later below the path of a file. */
function answers(patterns: readonly string[] = []): (path: string) => boolean {
  const each = patterns.map(fileMatcher);
  return (path) => each.some((matches) => matches(path));
}
