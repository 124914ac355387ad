import type { LoadedProject } from '../../project/load.ts';
import type { Project } from '../../project/schema.ts';
import type { HashedFile } from '../../files/hash.ts';
import { collect, secretSearchOf, type Collected } from '../../files/to-upload.ts';
import { compare, type Comparison } from './compare.ts';
import { ghostsOf } from './ghosts.ts';
import { estimateTime, type Rate } from './transfer-time.ts';
import { chooseRoute, type RouteKind, type Surroundings } from './route.ts';
import { partsOf } from '../../files/leaving.ts';
import { findSecrets, type SecretSearch } from '../../files/secrets.ts';
import { byteText, count, isLeftOut, scanNoteText } from '../../words/index.ts';
import type { FarState, Ghost, TransferPlan } from './types.ts';

export interface PlanOptions {
  far: FarState;
  around: Surroundings;
  /** The route that the user wants. */
  route?: RouteKind | undefined;
  /** Whether files that the project does not have any more are deleted there. */
  deletes?: boolean | undefined;
  /** What each route did last time. */
  rates?: Partial<Record<RouteKind, Rate>> | undefined;
  signal?: AbortSignal | undefined;
}

/** A plan, and what it takes to carry it out. */
export interface PreparedPlan {
  plan: TransferPlan;
  /** The files of `plan.send`, in the same order. */
  send: HashedFile[];
  /** The files of `plan.conflicts`, in the same order, for those that the user decides to replace. */
  conflicts: HashedFile[];
}

/** Room for this much, that archives could save, is worth a word; in bytes. */
const wasteWorthANote = 20_000_000;

/** Scans, hashes and compares a project. Rejects with the codes of `collect` and `chooseRoute`. Changes nothing there. */
export async function planTransfer(
  loaded: Pick<LoadedProject, 'root' | 'project'>,
  options: PlanOptions,
): Promise<PreparedPlan> {
  return planCollected(loaded, await collect(loaded, options.signal), options);
}

/** The same for files that were collected already, such as to find out which paths to look at. */
export async function planCollected(
  loaded: Pick<LoadedProject, 'root' | 'project'>,
  collected: Collected,
  options: PlanOptions,
): Promise<PreparedPlan> {
  const compared = compareAll(loaded.project, collected.files, options.far, options.deletes ?? false);
  const byPath = new Map(collected.files.map((file) => [file.path, file]));
  const pick = (list: readonly { path: string }[]): HashedFile[] => list.flatMap((item) => byPath.get(item.path) ?? []);
  const send = pick(compared.send);
  const conflicts = pick(compared.conflicts);
  const searched = await findSecrets(partsOf([...send, ...conflicts]), {
    ...secretSearchOf(loaded),
    signal: options.signal,
  });
  const plan = makePlan(loaded.project, collected, compared, searched, options);
  return { plan, send, conflicts };
}

/** The value itself; pure. */
function makePlan(
  project: Project,
  collected: Collected,
  compared: Compared,
  searched: SecretSearch,
  { far, around, route: wanted, rates }: PlanOptions,
): TransferPlan {
  const totals = {
    files: compared.send.length,
    bytes: compared.send.reduce((sum, file) => sum + file.size, 0),
  };
  const route = chooseRoute(around, totals, wanted);
  return {
    schema: 1,
    project: project.name,
    volume: around.volume,
    route,
    send: compared.send,
    unchanged: compared.unchanged,
    conflicts: compared.conflicts,
    left: compared.left,
    deletes: compared.deletes,
    ghosts: compared.ghosts,
    archives: collected.archives.map(({ file, members }) => ({
      to: file.path,
      files: members.length,
      bytes: file.size,
    })),
    wasteAvoided: wasteAvoided(
      collected.archives.map(({ file, members }) => ({
        size: file.size,
        memberSizes: members.map((member) => member.size),
      })),
    ),
    secrets: searched.findings,
    missing: collected.scan.missing.map((entry) => ({ ...entry, madeBy: makerOf(project, entry.pattern) })),
    ignored: collected.scan.ignored,
    leftOut: collected.scan.notes.filter(isLeftOut),
    notes: [
      ...volumeNote(around),
      ...collected.scan.notes.map(scanNoteText),
      ...compared.notes,
      ...unsearchedNote(searched),
      ...wasteNote(collected),
    ],
    totals,
    time: estimateTime(route.kind, totals.files, totals.bytes, rates?.[route.kind]),
    comparedWith: { kind: far.kind, at: far.at },
  };
}

interface Compared extends Comparison {
  ghosts: Ghost[];
  deletes: string[];
}

/** All that the plan knows by comparing; what a person decided to keep is not deleted either. */
function compareAll(project: Project, files: readonly HashedFile[], far: FarState, deletes: boolean): Compared {
  const compared = compare(files, far);
  const { ghosts, changed } = ghostsOf(files, far, project, { beforeLocalSteps: true });
  const isDeleted = ({ then }: Ghost): boolean => deletes && then !== 'keep';
  const left = deletes ? 'it is not deleted' : 'it is left there';
  return {
    ...compared,
    ghosts: ghosts.filter((ghost) => !isDeleted(ghost)),
    deletes: ghosts.filter(isDeleted).map(({ path }) => path),
    notes: [
      ...compared.notes,
      ...changed.map((path) => `${path} is not part of the project any more, but was changed on the volume; ${left}.`),
    ],
  };
}

/** The local step that makes the files of a pattern. */
function makerOf(project: Project, pattern: string): string | null {
  return project.steps.find((step) => step.where === 'local' && step.outputs?.includes(pattern))?.name ?? null;
}

function volumeNote({ asked, volume }: Surroundings): string[] {
  return asked && volume.id === null ? [`The volume ${volume.name} does not exist yet; the first run creates it.`] : [];
}

/** What nobody has looked through, so that "no secrets" is not taken for more than it is. */
function unsearchedNote({ unsearched: { files, bytes } }: SecretSearch): string[] {
  return files === 0
    ? []
    : [`${count(files, 'file')} (${byteText(bytes)}) of data, archives, pictures or sound: not searched for secrets.`];
}

function wasteNote({ files }: Collected): string[] {
  const waste = wasteOf(files.map((file) => file.size));
  return waste < wasteWorthANote
    ? []
    : [
        `Small files of this project take about ${Math.round(waste / 1e6)} MB on the volume beyond their content (an estimate); "sync.archives" would save most of it where the job can read archives.`,
      ];
}

/** A volume takes about this much for every file, however small, in bytes; RunPod does not promise it. */
export const leastPerFile = 64 * 1024;

/** Room that small files take beyond their content, in bytes (an estimate). */
export function wasteOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + Math.max(0, leastPerFile - size), 0);
}

/** What archives save on the volume compared with their files one by one. */
export function wasteAvoided(
  archives: readonly { size: number; memberSizes: readonly number[] }[],
): TransferPlan['wasteAvoided'] {
  const bytes = archives.reduce((sum, { size, memberSizes }) => sum + wasteOf(memberSizes) - wasteOf([size]), 0);
  const basis = 'A volume takes about 64 KB for every file, however small; RunPod does not promise the number.';
  return { bytes: Math.max(0, bytes), estimate: true, basis };
}
