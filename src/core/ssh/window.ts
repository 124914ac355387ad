import { throwIfCancelled } from '../errors.ts';
import { abortable } from './abortable.ts';

/**
 * The largest message OpenSSH takes, and enough of them under way to fill its window (2 MiB) twice. Less than this
 * waits for the network between messages.
 */
export const chunkSize = 255 * 1024;
const chunksUnderWay = 16;

/** Keeps so many calls under way that the line is full. */
export class Window {
  readonly #underWay = new Set<Promise<void>>();
  #broken: { error: unknown } | undefined;

  /** Adds a call and waits until there is room for another; rejects with the first failure of any call. */
  async add(call: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const kept: Promise<void> = call
      .catch((error: unknown) => {
        this.#broken ??= { error };
      })
      .finally(() => this.#underWay.delete(kept));
    this.#underWay.add(kept);
    if (this.#underWay.size >= chunksUnderWay) {
      await abortable(Promise.race(this.#underWay), signal);
    }
    this.#check(signal);
  }

  async end(signal: AbortSignal | undefined): Promise<void> {
    await abortable(Promise.all(this.#underWay), signal);
    this.#check(signal);
  }

  #check(signal: AbortSignal | undefined): void {
    throwIfCancelled(signal);
    if (this.#broken !== undefined) {
      throw this.#broken.error;
    }
  }
}

/** The bytes `[start, end)` of a file in order, with calls of `readAt` ahead that keep the line full. */
export async function* readAhead(
  readAt: (position: number, length: number) => Promise<Buffer>,
  [start, end]: readonly [number, number],
  signal: AbortSignal | undefined,
): AsyncGenerator<{ position: number; data: Buffer }> {
  const underWay: Promise<Buffer>[] = [];
  let asked = start;
  for (let position = start; position < end;) {
    throwIfCancelled(signal);
    while (asked < end && underWay.length < chunksUnderWay) {
      const chunk = readAt(asked, Math.min(chunkSize, end - asked));
      chunk.catch(() => undefined);
      underWay.push(chunk);
      asked += chunkSize;
    }
    const data = await abortable(underWay.shift() ?? Promise.resolve(Buffer.alloc(0)), signal);
    yield { position, data };
    position += data.length;
  }
}
