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

/** Undefined when it is gone, empty while it becomes another program (and for a process that has none). */
function environment(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/environ`, 'latin1');
    return text === '' ? [] : text.split('\0');
  } catch {
    return undefined;
  }
}

/** Whether it is the sshd of a pod without a root of its own: nothing but its settings tells whose it is. */
function isSshdOf(pid: number, pod: string): boolean {
  try {
    const words = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
    return words.includes('sshd') && words.includes(`/${pod}/disk/ssh/sshd_config`);
  } catch {
    return false;
  }
}

interface PodTraces {
  id: string;
  init?: number | undefined;
  port?: number | undefined;
}

/**
 * Live processes of a pod: below `init`, with its id in their environment, its sshd, or in an SSH session that came to its port;
 * and those of which nobody can say at this moment, since they are becoming another program.
 */
function podProcesses(pod: PodTraces): { own: number[]; unclear: string[] } {
  const seen = all().filter((one) => one.state !== 'Z' && one.pid !== process.pid);
  const found = new Set(pod.init === undefined ? [] : [pod.init]);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const one of seen) if (found.has(one.parent)) found.add(one.pid);
  }
  const session = new RegExp(`^SSH_CONNECTION=127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${String(pod.port ?? 0)}$`);
  const unclear: string[] = [];
  for (const one of seen) {
    const variables = environment(one.pid);
    const marked = variables?.some((text) => text === `RUNPOD_POD_ID=${pod.id}` || session.test(text)) === true;
    if (marked || isSshdOf(one.pid, pod.id)) found.add(one.pid);
    if (variables?.length === 0 && one.parent !== kernel && one.pid !== kernel) {
      unclear.push(`${String(one.pid)} ${one.startTime}`);
    }
  }
  return { own: [...found].filter((pid) => seen.some((one) => one.pid === pid)), unclear };
}

/** Parent of the kernel's own threads, which have no environment. */
const kernel = 2;
/** After so many looks in a row a process without an environment simply has none. */
const patientLooks = 60;

/** Kills a pod's processes until none is left, at most 10 s. */
export async function killPod(pod: PodTraces): Promise<void> {
  const started = pod.init === undefined ? undefined : look(pod.init)?.startTime;
  let looks = new Map<string, number>();
  let own: number[] = [];
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    // Once it has ended, its number may be given to any other process of this machine.
    const init = pod.init !== undefined && look(pod.init)?.startTime === started ? pod.init : undefined;
    const seen = podProcesses({ ...pod, init });
    ({ own } = seen);
    looks = new Map(seen.unclear.map((one) => [one, (looks.get(one) ?? 0) + 1]));
    if (own.length === 0 && [...looks.values()].every((count) => count > patientLooks)) return;
    for (const pid of own) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        continue;
      }
    }
    await sleep(own.length === 0 ? 5 : 20);
  }
  throw new Error(`processes of pod ${pod.id} could not be ended: ${own.join(', ')}`);
}
