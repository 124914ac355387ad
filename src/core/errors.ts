/** What a user needs to know about a failure: what happened, why, and what to do next. */
export interface Explanation {
  what: string;
  why?: string | undefined;
  next?: string | undefined;
}

/** A failure that is shown to the user as it stands. `code` is stable and for programs. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly code: string;
  readonly what: string;
  readonly why: string | undefined;
  readonly next: string | undefined;

  constructor(code: string, explanation: Explanation, options?: ErrorOptions) {
    super([explanation.what, explanation.why, explanation.next].filter(Boolean).join(' '), options);
    this.code = code;
    this.what = explanation.what;
    this.why = explanation.why;
    this.next = explanation.next;
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
