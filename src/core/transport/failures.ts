import { CancelledError, messageOf, UserError } from '../errors.ts';
import { count } from '../words/index.ts';
import { SshError } from '../ssh/index.ts';

/** What went wrong with single files while the others went on. */
export class Failures {
  readonly #reasons = new Map<string, string>();

  add(path: string, error: unknown): void {
    this.#reasons.set(
      path,
      error instanceof UserError ? [error.what, error.why].filter(Boolean).join(' ') : messageOf(error),
    );
  }

  has(path: string): boolean {
    return this.#reasons.has(path);
  }

  get size(): number {
    return this.#reasons.size;
  }

  /** All of them, in the order in which they happened. */
  list(): { path: string; reason: string }[] {
    return [...this.#reasons].map(([path, reason]) => ({ path, reason }));
  }

  /** Throws one UserError that names the first files; `rest` is said of the others, where there are any. */
  throwIfAny(code: string, of: number, verb: string, { rest: others, next }: { rest: string; next: string }): void {
    const { size } = this.#reasons;
    if (size === 0) {
      return;
    }
    const named = [...this.#reasons].slice(0, 5).map(([path, reason]) => `${JSON.stringify(path)}: ${reason}`);
    const rest = size > named.length ? [`… and ${size - named.length} more.`] : [];
    throw new UserError(code, {
      what:
        size < of
          ? `${size} of ${count(of, 'file')} could not be ${verb}.`
          : size === 1
            ? `The file could not be ${verb}.`
            : `None of ${count(size, 'file')} could be ${verb}.`,
      why: [...named, ...rest].join('\n'),
      next: size < of ? `${others} ${next}` : next,
    });
  }
}

/** Whether an error ends a whole transfer and not just one file. */
export function endsAll(error: unknown): boolean {
  return (
    error instanceof CancelledError ||
    (error instanceof SshError && error.code !== 'ssh-sftp') ||
    (error instanceof UserError && error.code === 'volume-full')
  );
}
