import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { readIfThere } from '../../files/atomic.ts';
import { parseJson } from '../../json.ts';
import type { VolumeStore } from '../../s3/index.ts';
import { putSchema, type PutFile } from '../far-file.ts';
import { changeManifest } from './manifest.ts';

const lineSchema = z.object({
  path: z.string(),
  /** `null`: it was deleted; left out: it was about to be put or deleted. */
  entry: putSchema.nullish(),
});

/** How long what was put may be missing in the manifest, in milliseconds. */
const everyMs = 30_000;

/**
 * What this machine has put to a project and the manifest on the volume does not say yet: in a file beside the upload
 * journals, so that after a crash no file of our own is taken for somebody else's. Begun things are noted before they
 * are done. One object a line; a torn last line does not count.
 */
export class PutRecord {
  readonly #file: string;
  readonly #store: VolumeStore;
  readonly #project: string;
  readonly #everyMs: number;
  /** Paths that were begun by a run that did not tell how it ended. */
  readonly begun: Set<string>;
  #pending: Map<string, PutFile | undefined>;
  #written = performance.now();
  #writing: Promise<void> | undefined;

  private constructor(
    file: string,
    store: VolumeStore,
    project: string,
    every: number,
    begun: Set<string>,
    pending: Map<string, PutFile | undefined>,
  ) {
    this.#file = file;
    this.#store = store;
    this.#project = project;
    this.#everyMs = every;
    this.begun = begun;
    this.#pending = pending;
  }

  /** Where the record of a project lies. */
  static place(folder: string, store: VolumeStore, project: string): string {
    const name = createHash('sha256').update([store.endpoint, store.volumeId, project].join('\0')).digest('hex');
    return path.join(folder, `${name.slice(0, 40)}.puts.jsonl`);
  }

  static async open(
    folder: string,
    store: VolumeStore,
    project: string,
    intervalMs: number = everyMs,
  ): Promise<PutRecord> {
    const file = PutRecord.place(folder, store, project);
    mkdirSync(folder, { recursive: true });
    const begun = new Set<string>();
    const pending = new Map<string, PutFile | undefined>();
    for (const text of ((await readIfThere(file)) ?? '').split('\n').slice(0, -1)) {
      const line = lineSchema.safeParse(parseJson(text));
      if (!line.success) {
        continue;
      }
      const { path: name, entry } = line.data;
      if (entry === undefined) {
        begun.add(name);
      } else {
        begun.delete(name);
        pending.set(name, entry ?? undefined);
      }
    }
    return new PutRecord(file, store, project, intervalMs, begun, pending);
  }

  /** What the manifest does not say yet; undefined for deleted files. */
  get pending(): ReadonlyMap<string, PutFile | undefined> {
    return this.#pending;
  }

  /** To be called before something is put to a path or deleted there. */
  begin(name: string): void {
    this.#append({ path: name });
  }

  /** To be called afterwards; undefined for a deleted file. Writes the manifest now and then. */
  async done(name: string, entry: PutFile | undefined, signal: AbortSignal | undefined): Promise<void> {
    this.begun.delete(name);
    this.#append({ path: name, entry: entry ?? null });
    this.#pending.set(name, entry);
    if (this.#writing === undefined && performance.now() - this.#written >= this.#everyMs) {
      await this.flush(signal);
    }
  }

  /** Writes what is pending into the manifest. */
  async flush(signal: AbortSignal | undefined): Promise<void> {
    await this.#writing;
    if (this.#pending.size === 0) {
      return;
    }
    const changes = this.#pending;
    this.#pending = new Map();
    this.#writing = changeManifest(this.#store, this.#project, changes, signal)
      .catch((error: unknown) => {
        this.#pending = new Map([...changes, ...this.#pending]);
        throw error;
      })
      .finally(() => {
        this.#writing = undefined;
        this.#written = performance.now();
      });
    await this.#writing;
  }

  /** Forgets the record; only when nothing is pending and nothing under way. */
  async close(): Promise<void> {
    if (this.#pending.size === 0 && this.begun.size === 0) {
      await rm(this.#file, { force: true });
    }
  }

  /** Synchronous: a few microseconds each, and in order. */
  #append(line: z.infer<typeof lineSchema>): void {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  }
}
