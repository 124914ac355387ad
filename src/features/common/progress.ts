import type * as vscode from 'vscode';
import { CancelledError } from '../../core/errors.ts';
import { atWork } from './at-work.ts';

export type ProgressResult<T> =
  { status: 'ok'; value: T } | { status: 'cancelled' } | { status: 'error'; error: unknown };

export interface ProgressOptions {
  title: string;
  /** `notification` (the default) can be cancelled; `window` is quiet, in the status bar, and cannot. */
  where?: 'notification' | 'window';
}

/** Says how far it is; `percent`, 0 to 100, moves the bar, which never goes back. */
export type Report = (message: string, percent?: number) => void;

export type ProgressTask<T> = (signal: AbortSignal, report: Report) => Promise<T>;

/** Runs a task under a progress message. Never rejects; the user's Cancel aborts the signal. */
export async function withProgress<T>(
  vs: typeof vscode,
  options: ProgressOptions,
  task: ProgressTask<T>,
): Promise<ProgressResult<T>> {
  const quiet = options.where === 'window';
  const location = quiet ? vs.ProgressLocation.Window : vs.ProgressLocation.Notification;
  const abort = new AbortController();
  return vs.window.withProgress(
    { location, title: options.title, cancellable: !quiet },
    async (progress, token): Promise<ProgressResult<T>> => {
      const subscription = token.onCancellationRequested(() => abort.abort(new CancelledError()));
      let shown = 0;
      const report: Report = (message, percent = 0) => {
        const increment = Math.max(0, percent - shown);
        shown += increment;
        progress.report(increment === 0 ? { message } : { message, increment });
      };
      try {
        return { status: 'ok', value: await atWork(abort, task(abort.signal, report)) };
      } catch (error) {
        // Whatever an aborted task throws, the user's wish is the reason.
        return abort.signal.aborted || error instanceof CancelledError
          ? { status: 'cancelled' }
          : { status: 'error', error };
      } finally {
        subscription.dispose();
      }
    },
  );
}

/** The value of a result; throws what went wrong, a CancelledError when cancelled. */
export function valueOf<T>(result: ProgressResult<T>): T {
  switch (result.status) {
    case 'ok':
      return result.value;
    case 'cancelled':
      throw new CancelledError();
    case 'error':
      throw result.error;
  }
}
