import { readdirSync, readFileSync } from 'node:fs';

/** Numbers of a process and of everything below it that runs at this moment. */
export function family(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = textOf(`/proc/${name}/stat`);
      return stat === ''
        ? []
        : [{ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }];
    });
  const found = [root];
  for (const pid of found) {
    found.push(...parents.filter((p) => p.parent === pid).map((p) => p.pid));
  }
  return found;
}

/** The words of a process, and its name; both empty when it is gone. */
export function wordsOf(pid: number): { name: string; words: string[] } {
  return { name: textOf(`/proc/${pid}/comm`).trim(), words: textOf(`/proc/${pid}/cmdline`).split('\0') };
}

/** What a file of `/proc` says; empty when its process is gone or is somebody else's. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
