import { CancelledError } from '../../core/errors.ts';

const running = new Map<AbortController, Promise<unknown>>();

/** Notes work that may hold a pod, so that the end of the window waits for it to let go. */
export function atWork<T>(abort: AbortController, work: Promise<T>): Promise<T> {
  running.set(abort, work);
  const over = (): void => void running.delete(abort);
  work.then(over, over);
  return work;
}

/** Aborts all work of this window, and waits until it has ended what it held, for at most so many ms. */
export async function endWork(longestMs: number): Promise<void> {
  const ending = [...running.entries()].map(([abort, work]) => {
    abort.abort(new CancelledError());
    return work.catch(() => undefined);
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, longestMs)));
  await Promise.race([Promise.all(ending), late]);
  clearTimeout(timer);
}
