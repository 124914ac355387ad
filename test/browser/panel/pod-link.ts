import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Process {
  pid: number;
  parent: number;
  name: string;
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(join('/proc', name, 'stat'), 'utf8');
        const [, pid = '', command = '', parent = ''] = /^(\d+) \((.*)\) \S (\d+)/s.exec(stat) ?? [];
        return [{ pid: Number(pid), parent: Number(parent), name: command }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

/** The SSH daemons of a sandbox's pods and of their sessions. */
function sshProcesses(sandbox: number): Process[] {
  const all = processes();
  const byPid = new Map(all.map((p) => [p.pid, p]));
  const isOf = (p: Process | undefined): boolean => p !== undefined && (p.pid === sandbox || isOf(byPid.get(p.parent)));
  return all.filter((p) => p.name.startsWith('sshd') && isOf(p));
}

/** A session may end by itself meanwhile. */
function signal({ pid }: Process, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
      throw error;
    }
  }
}

/** Breaks every SSH link to the sandbox's pods and lets no new one be made, until the answer is called. */
export function cutLinks(home: string): () => void {
  const connection = readFileSync(join(home, 'sandbox', 'connection.json'), 'utf8');
  const { pid } = JSON.parse(connection) as { pid: number };
  const found = sshProcesses(pid);
  const own = new Set(found.map((p) => p.pid));
  const daemons = found.filter((p) => !own.has(p.parent));
  if (daemons.length === 0) {
    throw new Error('no SSH daemon of the sandbox was found');
  }
  daemons.forEach((p) => signal(p, 'SIGSTOP'));
  found.filter((p) => own.has(p.parent)).forEach((p) => signal(p, 'SIGKILL'));
  return () => daemons.forEach((p) => signal(p, 'SIGCONT'));
}
