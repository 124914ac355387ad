import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

/**
 * A process as others find it again. A number alone says little: after a reboot and in every container the same numbers
 * are given to other processes, and containers of one kernel share its boot.
 */
export interface ProcessMark {
  pid: number;
  /** Names the start of the system; where none can be read, it is one that only this process knows. */
  boot?: string | undefined;
  /** Names the namespace in which the number counts; only on Linux. */
  space?: string | undefined;
  /** When the process began, in ticks of that boot; only on Linux. */
  started?: string | undefined;
}

export type Answer = 'yes' | 'no' | 'unknown';

/** A mark of before boots were noted: all that it has beside the number is the name of the machine. */
type OldMark = ProcessMark & { host?: string | undefined };

let own: ProcessMark | undefined;

export function thisProcess(): ProcessMark {
  own ??= {
    pid: process.pid,
    boot: bootOfThis(),
    space: read(() => readlinkSync('/proc/self/ns/pid')),
    started: statOf(process.pid)?.started,
  };
  return own;
}

/**
 * Whether a process is alive. `unknown` when its number means nothing here, for it is of another boot, container or
 * machine: then only a sign of life can tell.
 */
export function isRunning(mark: OldMark): Answer {
  const here = thisProcess();
  const known =
    mark.boot === undefined
      ? mark.host === hostname()
      : isSameBoot(mark.boot, here.boot ?? '') && mark.space === here.space;
  if (!known) {
    return 'unknown';
  }
  if (!exists(mark.pid)) {
    return 'no';
  }
  const stat = statOf(mark.pid);
  const isOther = stat !== undefined && mark.started !== undefined && stat.started !== mark.started;
  return isOther || stat?.state === 'Z' ? 'no' : 'yes';
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function bootOfThis(): string {
  const id = read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  if (id !== undefined) {
    return id;
  }
  // Elsewhere the time of the boot in seconds names it.
  return process.platform === 'linux' ? randomUUID() : String(Math.round(Date.now() / 1000 - uptime()));
}

/** Times of a boot are worked out from a clock that is set now and then. */
function isSameBoot(one: string, other: string): boolean {
  return one === other || Math.abs(Number(one) - Number(other)) < 60;
}

/** What Linux tells of a process; undefined where it cannot be asked, or where `/proc` is of another namespace. */
function statOf(pid: number): { state: string; started: string } | undefined {
  if (read(() => readlinkSync('/proc/self')) !== String(process.pid)) {
    return undefined;
  }
  const text = read(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // The name of the program, in parentheses, may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields?.[0], fields?.[19]];
  return state === undefined || started === undefined ? undefined : { state, started };
}

function read(what: () => string): string | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
