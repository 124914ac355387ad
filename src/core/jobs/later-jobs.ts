import * as z from 'zod';
import { isJobOf, jobTime } from '../journal/id.ts';
import { parseJson } from '../json.ts';
import { isSameTime } from '../s3/index.ts';
import type { FarFile } from '../transport/fetching.ts';
import { leftSchema } from '../transport/safe-names.ts';
import type { FarResults } from './far-results.ts';

const lineSchema = z.union([
  leftSchema,
  z.object({
    path: z.string(),
    size: z.number(),
    mtime: z.iso.datetime(),
    sha256: z.string().optional(),
    target: z.string().optional(),
  }),
]);
type Line = z.infer<typeof lineSchema>;

/** More jobs than these are not asked which of them wrote a file. */
const mostAsked = 20;

/**
 * What a job left as its results, as its worker noted it at the job's end, and the jobs of the same project that came
 * later: they write to the same folder, so what lies there may be theirs.
 */
export class NotedResults {
  /** By name; undefined where nothing was noted. */
  readonly own: ReadonlyMap<string, Line> | undefined;
  readonly #later: readonly string[];
  readonly #far: FarResults;
  #theirs: Promise<(readonly [job: string, lines: ReadonlyMap<string, Line>])[]> | undefined;

  private constructor(own: ReadonlyMap<string, Line> | undefined, later: readonly string[], far: FarResults) {
    this.own = own;
    this.#later = later;
    this.#far = far;
  }

  static async read(far: FarResults, { job, project }: { job: string; project: string }): Promise<NotedResults> {
    const began = jobTime(job) ?? '';
    const later = (await far.jobs()).filter((name) => isJobOf(project, name) && (jobTime(name) ?? '') > began);
    return new NotedResults(await noted(far, job), later.sort(), far);
  }

  /** Names that are links, with what they lead to. */
  get links(): ReadonlyMap<string, string> {
    const lines = [...(this.own?.values() ?? [])];
    return new Map(
      lines.flatMap((line) =>
        'target' in line && line.target !== undefined ? [[line.path, line.target] as const] : [],
      ),
    );
  }

  /** Whether a link led to nothing when the job ended, as far as that was noted. */
  ledToNothing(path: string): boolean {
    const line = this.own?.get(path);
    return line === undefined || ('left' in line && line.nothing === true);
  }

  /**
   * Whether a file is not as the job left it; `job` is the later one that wrote it, as far as that is known. Where nothing
   * was noted, a file counts as a later job's that is younger than the start of one.
   */
  async changedBy(file: FarFile): Promise<{ job: string | undefined } | undefined> {
    if (this.own !== undefined) {
      return isAsLeft(this.own.get(file.path), file) ? undefined : { job: await this.#writer(file) };
    }
    const job = this.#startedBefore(file.modified).at(-1);
    return job === undefined ? undefined : { job };
  }

  async #writer(file: FarFile): Promise<string | undefined> {
    const asked = this.#later.slice(-mostAsked);
    this.#theirs ??= Promise.all(
      asked.map(async (job) => [job, (await noted(this.#far, job)) ?? new Map<string, Line>()] as const),
    );
    const wrote = (await this.#theirs).find(([, lines]) => isAsLeft(lines.get(file.path), file));
    return wrote?.[0] ?? this.#startedBefore(file.modified).at(-1);
  }

  #startedBefore(moment: Date): string[] {
    const time = moment.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
    return this.#later.filter((job) => (jobTime(job) ?? '') <= time);
  }
}

function isAsLeft(line: Line | undefined, file: FarFile): boolean {
  if (line === undefined || 'left' in line || line.size !== file.size) {
    return false;
  }
  return line.sha256 !== undefined && file.sha256 !== undefined
    ? line.sha256 === file.sha256
    : isSameTime(new Date(line.mtime), file.modified);
}

async function noted(far: FarResults, job: string): Promise<Map<string, Line> | undefined> {
  const text = (await far.read(job, 'results.jsonl'))?.toString('utf8');
  if (text === undefined) {
    return undefined;
  }
  const lines = text.split('\n').flatMap((line) => lineSchema.safeParse(parseJson(line)).data ?? []);
  return new Map(lines.map((line) => [line.path, line]));
}
