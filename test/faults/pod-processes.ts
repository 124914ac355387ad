import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Seen {
  pid: number;
  parent: number;
  args: string;
}

/** The processes of a pod but for its container's first one, as this machine sees them. */
export function processesOfPod(sandboxRoot: string, pod: string): Seen[] {
  const first = read(path.join(sandboxRoot, 'pods', pod, 'process.json'));
  if (first === undefined) return [];
  const { pid } = JSON.parse(first) as { pid: number };
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Seen[] => {
      const stat = read(`/proc/${name}/stat`);
      if (stat === undefined) return [];
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const args = (read(`/proc/${name}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), args }];
    });
  const found = new Set([pid]);
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const one of all) if (found.has(one.parent)) found.add(one.pid);
  }
  return all.filter((one) => found.has(one.pid) && one.pid !== pid && !one.args.includes('/pod/init.py'));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
