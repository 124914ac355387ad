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

/** A sentence for any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The acts that help after any thrown value. */
export function remediesOf(error: unknown): readonly Remedy[] {
  return error instanceof UserError ? error.remedies : [];
}
