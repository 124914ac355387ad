import type { Remedy } from './remedy.ts';

/**
 * What a user needs to know about a failure: what happened, why, and what to do next. The sentences are true wherever
 * they are read; what only one face can do is a {@link Remedy}.
 */
export interface Explanation {
  what: string;
  why?: string | undefined;
  next?: string | undefined;
  remedies?: readonly Remedy[] | undefined;
}

/** A failure that is shown to the user as it stands. `code` is stable and for programs. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly code: string;
  readonly what: string;
  readonly why: string | undefined;
  readonly next: string | undefined;
  /** Acts that help, the best first. */
  readonly remedies: readonly Remedy[];

  constructor(code: string, explanation: Explanation, options?: ErrorOptions) {
    super([explanation.what, explanation.why, explanation.next].filter(Boolean).join(' '), options);
    this.code = code;
    this.what = explanation.what;
    this.why = explanation.why;
    this.next = explanation.next;
    this.remedies = explanation.remedies ?? [];
  }
}

/** The user asked to stop; not a failure. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
  constructor(message = 'Cancelled.') {
    super(message);
  }
}

export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new CancelledError();
  }
}

/** What the operating system refuses, in words; its code stands behind them, for who looks it up. */
const systemWords: Readonly<Record<string, string>> = {
  EACCES: 'this user has no right to it',
  EADDRINUSE: 'another program listens there',
  EBUSY: 'another program is using it',
  EDQUOT: 'the quota of its disk is used up',
  EEXIST: 'something else has that name',
  EFBIG: 'the file would be larger than its disk allows',
  EIO: 'its disk cannot be read or written',
  EISDIR: 'it is a folder, not a file',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'this program has too many files open',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'this machine has too many files open',
  ENOENT: 'it is not there',
  ENOMEM: 'there is no memory left',
  ENOSPC: 'its disk is full',
  ENOTDIR: 'a file stands where a folder is needed',
  ENOTEMPTY: 'the folder is not empty',
  EPERM: 'the system does not permit it',
  EPIPE: 'the program at the other end has ended',
  EROFS: 'its disk is mounted read-only',
  ETXTBSY: 'the program is running',
  EXDEV: 'it lies on another disk',
  E2BIG: 'the command is too long',
};

/** Whether it is the operating system that refused: nothing is wrong in this program, and its words are said. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return (
    error instanceof Error && 'syscall' in error && 'code' in error && Object.hasOwn(systemWords, String(error.code))
  );
}

/** The error with the file that it is about: of one that is open the system does not tell it. */
export function naming(path: string, error: unknown): unknown {
  if (isSystemError(error)) {
    error.path ??= path;
  }
  return error;
}

/** A sentence for any thrown value. */
export function messageOf(error: unknown): string {
  if (isSystemError(error)) {
    const { code = '', path, syscall = '' } = error;
    const what = path ?? syscall;
    return `${what}: ${systemWords[code] ?? ''} (${code}).`;
  }
  if (error instanceof RangeError && error.message === 'Maximum call stack size exceeded') {
    return 'Something that was read is nested too deep.';
  }
  return error instanceof Error ? error.message : String(error);
}

/** The acts that help after any thrown value. */
export function remediesOf(error: unknown): readonly Remedy[] {
  return error instanceof UserError ? error.remedies : [];
}
