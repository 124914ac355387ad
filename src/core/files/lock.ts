import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, naming, throwIfCancelled } from '../errors.ts';
import { parseJson } from '../json.ts';
import { isRunning, thisProcess } from '../processes.ts';

/** The first look comes soon, since most locks are short; later ones are this far apart. */
const firstLookMs = 10;
const lookMs = 200;
const beatMs = 5_000;
const usualPatienceMs = 30_000;

export interface LockOptions {
  signal?: AbortSignal | undefined;
  /** Told once when somebody else holds the lock. */
  onWait?: (() => void) | undefined;
  /** Without a sign of life for so long a holder counts as dead; half a minute unless told. */
  patienceMs?: number | undefined;
  /** What others are told of the holder. */
  note?: Readonly<Record<string, string>> | undefined;
  /** Makes the error with which this rejects at once, in place of waiting, while somebody alive holds the lock. */
  refuse?: ((holder: Readonly<Record<string, unknown>>) => Error) | undefined;
}

/**
 * Takes a lock that is a file, and answers what gives it back. One process holds it at a time; the others wait. A lock
 * of a process that is known to be gone is taken over at once. Where nobody here can know, as of a process in another
 * container that shares the folder or of before a reboot, its signs of life decide: half a minute without one.
 */
export async function takeLock(file: string, options: LockOptions = {}): Promise<() => Promise<void>> {
  const { signal, patienceMs = usualPatienceMs } = options;
  const own = JSON.stringify({
    ...options.note,
    ...thisProcess(),
    since: new Date().toISOString(),
    token: randomBytes(8).toString('hex'),
  });
  await mkdir(path.dirname(file), { recursive: true });
  let seen = '';
  // Only the time between looks counts, so a computer that sleeps is no death.
  let quietMs = 0;
  let pause = firstLookMs;
  let waited = 0;
  let told = false;
  for (;;) {
    throwIfCancelled(signal);
    if (await create(file, own)) {
      return keep(file, own);
    }
    const text = await readFile(file, 'utf8').catch(() => '');
    const time = (await stat(file).catch(() => undefined))?.mtimeMs;
    const sign = `${text}@${time ?? ''}`;
    quietMs = sign === seen ? quietMs + waited : 0;
    seen = sign;
    if (isDead(text) || quietMs > patienceMs) {
      await takeAway(file, text, options);
      continue;
    }
    const holder = options.refuse === undefined ? undefined : aliveHolder(text, time, patienceMs);
    if (options.refuse !== undefined && holder !== undefined) {
      throw options.refuse(holder);
    }
    if (!told) {
      told = true;
      options.onWait?.();
    }
    await wait(pause, undefined, { signal }).catch(() => {
      throw new CancelledError();
    });
    waited = pause;
    pause = Math.min(pause * 2, lookMs);
  }
}

async function create(file: string, own: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(own);
    } catch (error) {
      // Of a full disk; a lock that says nothing would be waited for.
      await rm(file, { force: true });
      throw naming(file, error);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false;
    }
    throw error;
  }
}

/** Shows a sign of life until it is given back. */
function keep(file: string, own: string): () => Promise<void> {
  const beat = setInterval(() => {
    const now = new Date();
    void utimes(file, now, now).catch(() => undefined);
  }, beatMs);
  return async () => {
    clearInterval(beat);
    if ((await readFile(file, 'utf8').catch(() => '')) === own) {
      await rm(file, { force: true });
    }
  };
}

/** Whether the holder is known to be gone. A text that is half written says nothing yet. */
function isDead(text: string): boolean {
  const mark = parseJson(text);
  return isMark(mark) && isRunning(mark) === 'no';
}

/** What the lock says of a holder that lives, by what is known of its process, or else by a sign of life of late. */
function aliveHolder(
  text: string,
  time: number | undefined,
  patienceMs: number,
): Readonly<Record<string, unknown>> | undefined {
  const mark = parseJson(text);
  if (!isMark(mark)) {
    return undefined;
  }
  const alive = isRunning(mark);
  const lately = time !== undefined && Date.now() - time < patienceMs;
  return alive === 'yes' || (alive === 'unknown' && lately) ? { ...mark } : undefined;
}

function isMark(value: unknown): value is Parameters<typeof isRunning>[0] {
  return typeof value === 'object' && value !== null && 'pid' in value && typeof value.pid === 'number';
}

/**
 * Removes a dead holder's lock, and no other: only one at a time looks and removes, so that nobody removes what another
 * one has made since.
 */
async function takeAway(file: string, dead: string, { signal, patienceMs }: LockOptions): Promise<void> {
  const giveBack = await takeLock(`${file}.over`, { signal, patienceMs });
  try {
    if ((await readFile(file, 'utf8').catch(() => undefined)) === dead) {
      await rm(file, { force: true });
    }
  } finally {
    await giveBack();
  }
}
