import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, throwIfCancelled } from '../errors.ts';

const lookMs = 200;
const beatMs = 5_000;
/** Looks without a sign of life after which a holder counts as dead; only looks count, so a sleeping computer is no death. */
const patientLooks = 30_000 / lookMs;

export interface LockOptions {
  signal?: AbortSignal | undefined;
  /** Told once when somebody else holds the lock. */
  onWait?: (() => void) | undefined;
}

/**
 * Takes a lock that is a file, and answers what gives it back. One process of this machine holds it at a time; the
 * others wait. A lock of a process that is gone, or that shows no sign of life for half a minute, is taken over.
 */
export async function takeLock(file: string, options: LockOptions = {}): Promise<() => Promise<void>> {
  const { signal } = options;
  const own = JSON.stringify({
    host: hostname(),
    pid: process.pid,
    since: new Date().toISOString(),
    token: randomBytes(8).toString('hex'),
  });
  await mkdir(path.dirname(file), { recursive: true });
  let seen = '';
  let looks = 0;
  let told = false;
  for (;;) {
    throwIfCancelled(signal);
    if (await create(file, own)) {
      return keep(file, own);
    }
    const text = await readFile(file, 'utf8').catch(() => '');
    const sign = `${text}@${(await stat(file).catch(() => undefined))?.mtimeMs ?? ''}`;
    looks = sign === seen ? looks + 1 : 0;
    seen = sign;
    if (isDead(text) || looks > patientLooks) {
      await takeAway(file, text);
      continue;
    }
    if (!told) {
      told = true;
      options.onWait?.();
    }
    await wait(lookMs, undefined, { signal }).catch(() => {
      throw new CancelledError();
    });
  }
}

async function create(file: string, own: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.writeFile(own);
    await handle.close();
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

/** Whether the holder is a process of this machine that is gone. A text that is half written says nothing yet. */
function isDead(text: string): boolean {
  try {
    const { host, pid } = JSON.parse(text) as { host?: unknown; pid?: unknown };
    return host === hostname() && typeof pid === 'number' && !isAlive(pid);
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes a dead holder's lock, and no other: one that came meanwhile is put back. */
async function takeAway(file: string, dead: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(file, aside);
    if ((await readFile(aside, 'utf8')) !== dead) {
      await link(aside, file);
    }
  } catch {
    // Somebody else was faster; the next look tells.
  } finally {
    await rm(aside, { force: true });
  }
}
