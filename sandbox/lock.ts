import { mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { processFile } from './pods/container.ts';
import { wipeDisk } from './pods/disk.ts';
import { killPod, look } from './pods/processes.ts';
import { readJson, writeJson } from './store.ts';

const owner = z.object({ pid: z.int(), startTime: z.string() });
const recorded = z.object({ pod: z.string(), pid: z.int(), startTime: z.string(), port: z.int() });

function alive(one: { pid: number; startTime: string }): boolean {
  const seen = look(one.pid);
  if (seen !== undefined) return seen.startTime === one.startTime && seen.state !== 'Z';
  if (one.startTime !== '') return false;
  try {
    return process.kill(one.pid, 0);
  } catch {
    return false;
  }
}

/** Makes the root this process's own. Throws when a living sandbox has it. */
export function lockRoot(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const file = path.join(root, 'sandbox.lock');
  const other = owner.safeParse(readJson(file));
  if (other.success && alive(other.data)) {
    const self = other.data.pid === process.pid ? ' (this process)' : '';
    throw new Error(
      `${root} is in use by another sandbox, process ${String(other.data.pid)}${self}; stop it or choose another root.`,
    );
  }
  writeJson(file, { pid: process.pid, startTime: look(process.pid)?.startTime ?? '' });
}

export async function unlockRoot(root: string): Promise<void> {
  await rm(path.join(root, 'sandbox.lock'), { force: true });
  await rm(path.join(root, 'connection.json'), { force: true });
}

/** Ends what a killed sandbox left running and removes its pods' folders. */
export async function cleanLeftovers(root: string): Promise<void> {
  const directory = path.join(root, 'pods');
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) {
    const record = recorded.safeParse(readJson(processFile(path.join(directory, name))));
    // The port is not used to find sessions here: by now it may be somebody else's.
    if (record.success) await killPod({ id: record.data.pod, init: alive(record.data) ? record.data.pid : undefined });
    await wipeDisk(path.join(directory, name));
    await rm(path.join(directory, name), { recursive: true, force: true, maxRetries: 3 });
  }
}
