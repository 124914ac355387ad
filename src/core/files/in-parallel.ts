/** Runs `work` for every item, at most `width` at a time. The first rejection stops further items and is passed on. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let stopped = false;
  const lane = async (): Promise<void> => {
    while (!stopped && next < items.length) {
      const item = items[next] as T;
      next += 1;
      try {
        await work(item);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  for (const result of lanes) {
    if (result.status === 'rejected') {
      throw result.reason;
    }
  }
}

/** Files below this size, in bytes, wait mostly for answers and not for the line, so many of them move at a time. */
export const smallFile = 256 * 1024;
export const smallLanes = 32;
