import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Isolation } from '../options.ts';

/** Programs of this machine that pods are made of, and whose account they run under. */
export interface Machine {
  isolation: Isolation;
  python: string;
  sshd: string;
  sshKeygen: string;
  unshare: string | undefined;
  user: string;
  /** PATH of a pod; the image's programs come first. */
  path: string;
  /** Directories of this machine that the image consists of. */
  imageFolders: string[];
}

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function find(name: string): string | undefined {
  const folders = [...systemPath.split(':'), ...(process.env.PATH ?? '').split(':')];
  return folders
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function need(name: string, debianPackage: string): string {
  const file = find(name);
  if (file === undefined) {
    throw new Error(
      `The sandbox needs "${name}", which is not on this machine. Install it (Debian: ${debianPackage}).`,
    );
  }
  return file;
}

function namespacesWork(unshare: string | undefined): unshare is string {
  if (unshare === undefined || process.getuid?.() !== 0) return false;
  return spawnSync(unshare, ['--mount', '--pid', '--fork', '--propagation', 'private', 'true']).status === 0;
}

/** Directory of the Python installation that a program link leads to, hop by hop: a virtual environment needs its base. */
function foldersBehind(program: string): string[] {
  const found: string[] = [];
  let current = program;
  for (let hop = 0; hop < 10; hop += 1) {
    found.push(path.dirname(path.dirname(current)));
    try {
      current = path.resolve(path.dirname(current), readlinkSync(current));
    } catch {
      break;
    }
  }
  found.push(path.dirname(path.dirname(realpathSync(program))));
  return found;
}

function imageOf(options: { imagePath?: string; imageFolders?: string[] }, python: string): string[] {
  const folders = [...(options.imageFolders ?? []).map((folder) => path.resolve(folder)), ...foldersBehind(python)];
  if (options.imagePath !== undefined) {
    const bin = path.resolve(options.imagePath);
    folders.push(bin);
    if (existsSync(path.join(bin, 'python3'))) folders.push(...foldersBehind(path.join(bin, 'python3')));
    const settings = path.join(path.dirname(bin), 'pyvenv.cfg');
    if (existsSync(settings)) {
      const home = /^home\s*=\s*(.+)$/m.exec(readFileSync(settings, 'utf8'))?.[1];
      if (home !== undefined) folders.push(path.dirname(home.trim()));
    }
  }
  const unique = [...new Set(folders)].filter((folder) => folder !== '/').sort();
  return unique.filter((folder) => !unique.some((other) => folder !== other && folder.startsWith(`${other}/`)));
}

/** Looks at this machine once. Throws with the remedy when something is missing or the isolation asked for cannot be had. */
export function inspectMachine(options: {
  isolation?: Isolation;
  imagePath?: string;
  imageFolders?: string[];
}): Machine {
  const unshare = find('unshare');
  const possible = namespacesWork(unshare);
  if (options.isolation === 'namespace' && !possible) {
    throw new Error('Pods with namespaces need root and a working `unshare`; use --isolation plain.');
  }
  if (options.imagePath !== undefined && !existsSync(options.imagePath)) {
    throw new Error(`The image directory ${options.imagePath} does not exist.`);
  }
  const isolation = options.isolation ?? (possible ? 'namespace' : 'plain');
  // sshd of root refuses to run without this directory; the distribution's service makes it at boot.
  if (isolation === 'plain' && process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const python = need('python3', 'python3');
  return {
    isolation,
    python,
    sshd: need('sshd', 'openssh-server'),
    sshKeygen: need('ssh-keygen', 'openssh-client'),
    unshare: isolation === 'namespace' ? unshare : undefined,
    user: isolation === 'namespace' ? 'root' : os.userInfo().username,
    path: options.imagePath === undefined ? systemPath : `${path.resolve(options.imagePath)}:${systemPath}`,
    imageFolders: isolation === 'namespace' ? imageOf(options, python) : [],
  };
}
