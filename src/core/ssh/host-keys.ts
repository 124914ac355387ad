import * as z from 'zod';
import { messageOf, UserError } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';

/** Remembers which host key (`SHA256:…`) a machine showed; one id per pod and start, because keys change at each. */
export interface HostKeys {
  expected(id: string): Promise<string | undefined>;
  /** Keeps the fingerprint. Rejects when another one is kept for this id already. */
  pin(id: string, fingerprint: string): Promise<void>;
}

const storeSchema = z.object({
  schema: z.literal(1),
  /** Oldest first, so that the oldest fall off when there are too many. */
  pins: z.array(z.object({ id: z.string(), fingerprint: z.string().startsWith('SHA256:') })),
});

type Store = z.infer<typeof storeSchema>;

const kept = 1000;

/**
 * Pins in a JSON file that only its owner can read. It is replaced in one step, so a reader never sees half of it.
 * An unreadable file is an error and not a fresh start: losing the pins silently would disarm them.
 */
export class FileHostKeys implements HostKeys {
  readonly #file: string;
  #last: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  async expected(id: string): Promise<string | undefined> {
    const store = await this.#read();
    return store.pins.find((pin) => pin.id === id)?.fingerprint;
  }

  pin(id: string, fingerprint: string): Promise<void> {
    const done = this.#last.then(() => this.#add(id, fingerprint));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #add(id: string, fingerprint: string): Promise<void> {
    // Other processes of this installation pin here too.
    const giveBack = await takeLock(`${this.#file}.lock`);
    try {
      await this.#addLocked(id, fingerprint);
    } finally {
      await giveBack();
    }
  }

  async #addLocked(id: string, fingerprint: string): Promise<void> {
    const store = await this.#read();
    const known = store.pins.find((pin) => pin.id === id);
    if (known?.fingerprint === fingerprint) {
      return;
    }
    if (known !== undefined) {
      throw new UserError('host-key-pinned', {
        what: `Another host key is already kept for ${id}.`,
        why: `Kept is ${known.fingerprint}, new is ${fingerprint}.`,
        next: 'End the pod and start a new one.',
      });
    }
    store.pins.push({ id, fingerprint });
    store.pins = store.pins.slice(-kept);
    await writeFileAtomic(this.#file, `${JSON.stringify(store, undefined, 1)}\n`);
  }

  async #read(): Promise<Store> {
    try {
      const text = await readIfThere(this.#file);
      return text === undefined ? { schema: 1, pins: [] } : storeSchema.parse(JSON.parse(text));
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  #unreadable(error: unknown): UserError {
    return new UserError(
      'host-keys-unreadable',
      {
        what: `The list of known host keys, ${this.#file}, cannot be read.`,
        why: messageOf(error),
        next: 'Restore the file, or delete it; then the host keys of running pods are taken on first use again.',
      },
      { cause: error },
    );
  }
}
