import { constants } from 'node:os';

/** Each way in which somebody ends a command from outside; `SIGPIPE`: nobody reads what it writes any more. */
type End = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds that a command which may hold a pod still has after a second Ctrl-C: enough to ask for the pod's end. */
const shortenedMs = 10_000;

/** What a command does when it is ended from outside. */
export interface Interrupt {
  /** Aborts at the first such moment. */
  signal: AbortSignal;
  /** The command is done; from here on it ends as any program. */
  stop: () => void;
}

const interrupted = new AbortController();
/** What ended the command first. */
let first: End | undefined;
/** An error that no caller caught; the command still gets to end what it began. */
let crash: { error: unknown } | undefined;
let atWork: { mayHoldPod: boolean } | undefined;
let hurried = false;

/** Aborts as soon as the command is ended from outside: a question is not waited for then. */
export const interruption: AbortSignal = interrupted.signal;

/**
 * Says that the command at work ends by itself when somebody ends it: by Ctrl-C, a signal, a closed terminal or a closed
 * pipe. Without `mayHoldPod` a second Ctrl-C ends the program at once; with it a pod gets its time to be ended.
 */
export function onInterrupt({ mayHoldPod = false } = {}): Interrupt {
  atWork = { mayHoldPod };
  signals.forEach((name) => process.on(name, onSignal));
  return {
    signal: interruption,
    stop: () => {
      atWork = undefined;
      signals.forEach((name) => process.off(name, onSignal));
    },
  };
}

/**
 * Called once, before anything is written: a reader that went away and an error that nobody caught end a command as a
 * signal does. `onCrash` tells of such an error when no command is at work.
 */
export function watchForEnds(onCrash: (error: unknown) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // What is written to it from here on is dropped; each try would fail again.
      stream.write = () => true;
      // A terminal that was closed answers in its own way, often before its signal comes.
      end(error.code === 'EIO' ? 'SIGHUP' : 'SIGPIPE');
    });
  }
  process.on('uncaughtException', (error) => {
    crash ??= { error };
    if (atWork === undefined) {
      onCrash(error);
      return;
    }
    interrupted.abort();
  });
}

/** The error that ended the command although no caller caught it. */
export function crashed(): { error: unknown } | undefined {
  return crash;
}

/** Whether a person pressed Ctrl-C, who can be asked to do it again. */
export function isAskedByHand(): boolean {
  return first === 'SIGINT' && process.stdin.isTTY;
}

/** Whether the command ends because who read its output has gone. */
export function isUnread(): boolean {
  return first === 'SIGPIPE';
}

/**
 * The exit code of a command that answers `code`. A closed terminal or pipe says 128 and the number of its signal, as the
 * system does; Ctrl-C and SIGTERM are told by what became of the job.
 */
export function exitCodeAfter(code: number): number {
  return first === 'SIGHUP' || first === 'SIGPIPE' ? codeOf(first) : code;
}

function onSignal(name: NodeJS.Signals): void {
  if (name !== 'SIGINT' && name !== 'SIGTERM' && name !== 'SIGHUP') {
    return;
  }
  // The system and the shell each tell of a closed terminal: only a person or a program that insists is in a hurry.
  const insists = first !== undefined && name !== 'SIGHUP';
  if (!insists) {
    end(name);
    return;
  }
  if (atWork?.mayHoldPod !== true) {
    process.exit(codeOf(name));
  }
  if (hurried) {
    return;
  }
  hurried = true;
  process.stderr.write(`Ending what was begun, for at most ${shortenedMs / 1000} seconds more.\n`);
  setTimeout(() => {
    process.stderr.write(
      'It is not certain that everything was ended: "runpod-trainer radar" shows what still costs money.\n',
    );
    process.exit(codeOf(name));
  }, shortenedMs).unref();
}

function end(how: End): void {
  first ??= how;
  if (atWork === undefined) {
    process.exit(codeOf(how));
  }
  interrupted.abort();
}

function codeOf(end: End): number {
  return 128 + constants.signals[end];
}
