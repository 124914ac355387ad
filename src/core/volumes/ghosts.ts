import { limits } from '../contract.ts';
import { throwIfCancelled, UserError } from '../errors.ts';
import type { HashedFile } from '../files/hash.ts';
import { compilePattern, literally } from '../files/patterns.ts';
import type { Installation } from '../home/installation.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { stepsOn } from '../journal/spec.ts';
import type { VolumePlan } from '../pods/volume.ts';
import { withGoneAnswer, type GoneAnswer } from '../project/gone.ts';
import type { LoadedProject } from '../project/load.ts';
import type { Project } from '../project/schema.ts';
import { s3AccessOf } from '../s3/s3-source.ts';
import { setAside } from '../transport/ssh/put-files.ts';
import type { RemoteFiles } from '../transport/ssh/worker-files.ts';
import { byteText, count } from '../words/index.ts';
import { askPod, askStore, openStore } from './ask-volume.ts';
import type { Adoption } from './origins.ts';
import { ghostsOf, lastKnownState, readLastKnown } from './plan/index.ts';
import type { FarState, Ghost, ManifestFiles } from './plan/index.ts';

/** Data on the volume that a job would read although it is not here any more. */
export interface GoneQuestion {
  /** Sentences: what it is, how much, and why it is asked about. */
  text: string;
  ghosts: readonly Ghost[];
  /** The same as patterns of the project file, for the answer to be kept there. */
  patterns: readonly string[];
}

/** Asked before money is spent; without an answer the job does not start. */
export type AskGone = (question: GoneQuestion) => Promise<GoneAnswer | undefined>;

/** Sees to it that a job works on what is here: code that is gone here makes way, data waits for an answer. */
export class GhostKeeper {
  readonly #root: string;
  #project: Project;
  readonly #ask: AskGone | undefined;
  readonly #adoption: Adoption;

  constructor({ root, project }: LoadedProject, ask: AskGone | undefined, adoption: Adoption) {
    this.#adoption = adoption;
    this.#root = root;
    this.#project = project;
    this.#ask = ask;
  }

  /**
   * Asks about data while nothing is rented: by what the volume has where it can be asked for free, else by what this
   * machine remembers. Whether this folder may fill the project comes first: nobody decides about the data of another.
   * @throws UserError `data-gone` without an answer; `other-origin` as the adoption does.
   */
  async beforeMoney(
    installation: Installation,
    volume: VolumePlan,
    files: readonly { path: string }[],
    { signal, beforeLocalSteps }: { signal?: AbortSignal | undefined; beforeLocalSteps?: boolean } = {},
  ): Promise<void> {
    if (!volume.exists) {
      return;
    }
    const far = await this.#knownOf(installation, volume.volume, files, signal);
    const { ghosts } = ghostsOf(files, far, this.#project, { beforeLocalSteps });
    // A memory does not know what a step wrote there since; the pod does.
    const outputs = far.kind === 'volume' ? [] : stepsOn(this.#project, 'pod').flatMap((step) => step.outputs ?? []);
    const mayBeNew = outputs.map(compilePattern);
    const open = ghosts.filter(({ then, path }) => then === 'ask' && !mayBeNew.some((o) => o.matches(path)));
    if (open.length === 0) {
      return;
    }
    const patterns = patternsOf(open, files);
    const question = { text: questionText(open, patterns), ghosts: open, patterns };
    const answer = await this.#ask?.(question);
    throwIfCancelled(signal);
    if (answer === undefined) {
      throw undecided(open);
    }
    this.#project = withGoneAnswer(this.#project, answer, question.patterns);
  }

  /**
   * Sets aside on the pod's volume what is not here any more, before anything is put there: a file may stand where a
   * folder has to be. Answers what transfers have put there, after that.
   * @throws UserError `data-gone` where data is met that nobody could be asked about before; nothing was changed then.
   */
  async clear(
    remote: RemoteFiles,
    files: readonly HashedFile[],
    {
      onEvent,
      remember,
      signal,
    }: {
      onEvent: OnEvent;
      /** Keeps what is there, so that the next run asks before it rents. */
      remember: (put: ManifestFiles) => Promise<void>;
      signal?: AbortSignal | undefined;
    },
  ): Promise<ManifestFiles> {
    const far = await askPod(remote, [], signal);
    const { ghosts, changed, gone } = ghostsOf(files, far, this.#project);
    const open = ghosts.filter(({ then }) => then === 'ask');
    if (open.length > 0) {
      await remember(far.files);
      throw undecided(open);
    }
    if (changed.length > 0) {
      const text = `${named(changed)}: not part of this run any more, but changed on the volume since it was sent, so left there.`;
      onEvent({ type: 'warning', text });
    }
    const away = ghosts.filter(({ then }) => then === 'set-aside');
    const paths = [...away.map(({ path }) => path), ...gone];
    const done = paths.length === 0 ? [] : await setAside(remote, paths, signal);
    const stays = done.find(({ ok }) => !ok);
    if (stays !== undefined) {
      throw new UserError('not-set-aside', {
        what: `${stays.path} is not part of this run any more, but could not be set aside on the volume.`,
        why: stays.error,
        next: 'Run it again. If it stays so, look at the file on the volume.',
      });
    }
    const moved = done.flatMap(({ to }) => to ?? []);
    if (moved.length > 0) {
      onEvent({ type: 'set-aside', ...asideFacts(away, moved) });
    }
    const left = new Set(paths);
    return Object.fromEntries(Object.entries(far.files).filter(([path]) => !left.has(path)));
  }

  async #knownOf(
    installation: Installation,
    volume: { id: string; dataCenter: string },
    files: readonly { path: string }[],
    signal: AbortSignal | undefined,
  ): Promise<FarState> {
    const remembered = async (): Promise<FarState> => lastKnownState(await readLastKnown(this.#root), volume.id);
    if ((await s3AccessOf(installation.s3, volume.dataCenter)) === undefined) {
      return remembered();
    }
    const here = new Set(files.map(({ path }) => path));
    const store = await openStore(installation, volume);
    try {
      const filling = { root: this.#root, project: this.#project.name, volume: volume.id };
      await this.#adoption.checkStore(store, filling, signal);
      return await askStore(store, this.#project.name, [], signal, (path) => !here.has(path));
    } catch (error) {
      throwIfCancelled(signal);
      if (error instanceof UserError && error.code === 'other-origin') {
        throw error;
      }
      // The pod looks again before the steps start.
      return await remembered();
    } finally {
      await store.close();
    }
  }
}

/** How many paths a sentence names. */
const shown = 5;

function named(paths: readonly string[]): string {
  const more = paths.length > shown ? ` and ${paths.length - shown} more` : '';
  return `${paths.slice(0, shown).join(', ')}${more}`;
}

const bytesOf = (ghosts: readonly Ghost[]): string => byteText(ghosts.reduce((sum, { size }) => sum + size, 0));

/** `3 data files (1.2 GB)`. */
function howMuch(ghosts: readonly Ghost[]): string {
  return `${count(ghosts.length, 'data file')} (${bytesOf(ghosts)})`;
}

const why = (ghosts: readonly Ghost[]): string =>
  `A job would read ${ghosts.length === 1 ? 'it' : 'them'} all the same (${[...new Set(ghosts.map((g) => g.why))].slice(0, 3).join('; ')}), and no job removes data by itself.`;

const what = (ghosts: readonly Ghost[]): string => {
  const list = named(ghosts.map(({ path, size }) => `${path} (${byteText(size)})`));
  return `${howMuch(ghosts)} on the volume ${ghosts.length === 1 ? 'is' : 'are'} not part of this run any more: ${list}.`;
};

function questionText(ghosts: readonly Ghost[], patterns: readonly string[]): string {
  const folders = patterns.filter((pattern) => pattern.endsWith('/'));
  const later =
    folders.length === 0 ? '' : ` The answer is kept for all of ${named(folders)}, also for what comes there later.`;
  return `${what(ghosts)} ${why(ghosts)}${later}`;
}

function undecided(ghosts: readonly Ghost[]): UserError {
  return new UserError('data-gone', {
    what: what(ghosts),
    why: why(ghosts),
    next: `Say whether they are removed there (set aside for ${limits.removedDays} days first) or kept there; the answer is kept in "sync.gone" of the project file. No step was started.`,
    remedies: [
      { do: 'answer-gone', answer: 'remove' },
      { do: 'answer-gone', answer: 'keep' },
    ],
  });
}

function asideFacts(
  ghosts: readonly Ghost[],
  moved: readonly string[],
): { text: string; paths: string[]; folder: string } {
  const folder = (moved[0] ?? '').split('/').slice(0, 3).join('/');
  const paths = ghosts.map(({ path }) => path).filter((path) => moved.includes(`${folder}/${path}`));
  const text = `${count(paths.length, 'file')} not part of this run any more, so set aside on the volume: ${named(paths)}. For ${limits.removedDays} days to be had back from ${folder}/`;
  return { text, paths, folder };
}

/** More paths than this are named by their folders, where nothing of a folder is left here. */
const mostPatterns = 20;

/** Patterns that mean these files and none that is here. */
export function patternsOf(ghosts: readonly { path: string }[], here: readonly { path: string }[]): string[] {
  const paths = ghosts.map(({ path }) => path);
  if (paths.length <= mostPatterns) {
    return paths.map(literally);
  }
  const used = new Set(here.flatMap(({ path }) => foldersOf(path)));
  const whole = paths.map((path) => {
    const gone = foldersOf(path).find((folder) => !used.has(folder));
    return gone === undefined ? literally(path) : `${literally(gone)}/`;
  });
  return [...new Set(whole)];
}

/** The folders of a file, the highest first. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
