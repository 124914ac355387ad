import { createHash } from 'node:crypto';
import { appendFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { parseJson } from '../json.ts';

const headSchema = z.object({
  schema: z.literal(1),
  endpoint: z.string(),
  bucket: z.string(),
  key: z.string(),
  uploadId: z.string().min(1),
  partBytes: z.int().positive(),
  /** The file on this machine and what it was when the upload began. */
  absolute: z.string(),
  size: z.int().nonnegative(),
  mtimeMs: z.number(),
  ino: z.number(),
  sha256: z.string(),
  /** Unix time in milliseconds. */
  begun: z.number(),
});
const partSchema = z.object({ part: z.int().positive(), etag: z.string(), sha256: z.string() });
const stateSchema = z.object({ etag: z.string(), modified: z.number() });
const completingSchema = z.object({ completing: stateSchema.nullable() });

export type UploadHead = z.infer<typeof headSchema>;

/** A part that the service has taken. `sha256` is that of its content. */
export interface SentPart {
  etag: string;
  sha256: string;
}

/** What lay under the key before the upload. */
export type StateBefore = z.infer<typeof stateSchema> | null;

/**
 * What is known of one unfinished multipart upload: a file of one JSON object a line, the first atomically written, the
 * others appended; a torn last line does not count. It holds no secret, and it is the only thing by which an upload
 * counts as our own.
 */
export class UploadJournal {
  readonly file: string;
  readonly head: UploadHead;
  readonly parts: Map<number, SentPart>;
  /** Set when the completion was asked for. */
  completing: StateBefore | undefined;

  private constructor(file: string, head: UploadHead) {
    this.file = file;
    this.head = head;
    this.parts = new Map();
  }

  /** Where the journal of a key lies. */
  static place(folder: string, endpoint: string, bucket: string, key: string): string {
    const name = createHash('sha256').update([endpoint, bucket, key].join('\0')).digest('hex').slice(0, 40);
    return path.join(folder, `${name}.upload.jsonl`);
  }

  static async create(file: string, head: UploadHead): Promise<UploadJournal> {
    await writeFileAtomic(file, `${JSON.stringify(head)}\n`);
    return new UploadJournal(file, head);
  }

  /** The journal in this file; undefined when there is none or it cannot be understood. */
  static async read(file: string): Promise<UploadJournal | undefined> {
    const lines = ((await readIfThere(file)) ?? '').split('\n').slice(0, -1).map(parseJson);
    const head = headSchema.safeParse(lines[0]);
    if (!head.success) {
      return undefined;
    }
    const journal = new UploadJournal(file, head.data);
    for (const line of lines.slice(1)) {
      const part = partSchema.safeParse(line);
      const completing = completingSchema.safeParse(line);
      if (part.success) {
        journal.parts.set(part.data.part, { etag: part.data.etag, sha256: part.data.sha256 });
      } else if (completing.success) {
        journal.completing = completing.data.completing;
      }
    }
    return journal;
  }

  /** All journals of a folder. */
  static async readAll(folder: string): Promise<UploadJournal[]> {
    const names = await readdir(folder).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return [];
      }
      throw error;
    });
    const files = names.filter((name) => name.endsWith('.upload.jsonl')).map((name) => path.join(folder, name));
    const journals = await Promise.all(files.map((file) => UploadJournal.read(file)));
    return journals.filter((journal) => journal !== undefined);
  }

  async addPart(part: number, sent: SentPart): Promise<void> {
    this.parts.set(part, sent);
    await this.#append({ part, ...sent });
  }

  async setCompleting(before: StateBefore): Promise<void> {
    this.completing = before;
    await this.#append({ completing: before });
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }

  async #append(line: unknown): Promise<void> {
    await appendFile(this.file, `${JSON.stringify(line)}\n`);
  }
}
