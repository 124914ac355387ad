// What a run of the tests has left on this machine: processes, the ports they hold, mounts, files.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A program that was told to end may take a moment. */
const patienceMs = 5000;

/**
 * In words, what is left of a run whose temporary folder this is, once nothing goes away any more. Where there is no
 * `/proc`, only files are seen.
 */
export async function leftovers(temporary) {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = [...processesOf(temporary), ...mountsBelow(temporary), ...filesIn(temporary)];
    if (found.length === 0 || performance.now() > end) return found;
    await delay(100);
  }
}

/** Those with the folder in their arguments or their environment: what a test starts inherits it. */
function processesOf(temporary) {
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const args = read(`/proc/${pid}/cmdline`);
      if (!args.includes(temporary) && !read(`/proc/${pid}/environ`).includes(temporary)) return [];
      const ports = portsOf(pid);
      const held = ports.length === 0 ? '' : ` at port ${ports.join(', ')}`;
      return [`process ${pid}${held}: ${args.replaceAll('\0', ' ').trim().slice(0, 160)}`];
    });
}

function portsOf(pid) {
  const own = new Set(
    entries(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1]),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    read(`/proc/${pid}/net/${table}`)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((field) => field[3] === '0A' && own.has(field[9]))
      .map((field) => Number.parseInt(field[1].split(':')[1], 16)),
  );
}

function mountsBelow(temporary) {
  return read('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((place) => place.startsWith(`${temporary}/`))
    .map((place) => `mount ${place}`);
}

/** Node keeps what it has compiled there for every program that lets it. */
const cache = 'node-compile-cache';

function filesIn(temporary) {
  return entries(temporary)
    .filter((name) => name !== cache)
    .map((name) => `file ${name}`);
}

function entries(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function link(file) {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
