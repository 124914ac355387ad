import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

interface ProcessSeen {
  pid: number;
  parent: number;
  state: string;
  startTime: string;
}

/** One process as /proc tells, undefined when it is gone (or where there is no /proc). */
export function look(pid: number): ProcessSeen | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid, state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function all(): ProcessSeen[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map((name) => look(Number(name)))
    .filter((one) => one !== undefined);
}

function environment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** Live processes of a pod: below `init`, with its id in their environment, or in an SSH session that came to its port. */
export function podProcesses(pod: { id: string; init?: number | undefined; port?: number | undefined }): number[] {
  const seen = all().filter((one) => one.state !== 'Z');
  const found = new Set(pod.init === undefined ? [] : [pod.init]);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const one of seen) if (found.has(one.parent)) found.add(one.pid);
  }
  const session = new RegExp(`^SSH_CONNECTION=127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${String(pod.port ?? 0)}$`);
  for (const one of seen) {
    const variables = environment(one.pid);
    if (variables.some((text) => text === `RUNPOD_POD_ID=${pod.id}` || session.test(text))) found.add(one.pid);
  }
  return [...found].filter((pid) => pid !== process.pid && seen.some((one) => one.pid === pid));
}

/** Kills a pod's processes until none is left, at most 10 s. */
export async function killPod(pod: Parameters<typeof podProcesses>[0]): Promise<void> {
  const started = pod.init === undefined ? undefined : look(pod.init)?.startTime;
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    // Once it has ended, its number may be given to any other process of this machine.
    const init = pod.init !== undefined && look(pod.init)?.startTime === started ? pod.init : undefined;
    const left = podProcesses({ ...pod, init });
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        continue;
      }
    }
    await sleep(20);
  }
  throw new Error(`processes of pod ${pod.id} could not be ended: ${podProcesses(pod).join(', ')}`);
}
