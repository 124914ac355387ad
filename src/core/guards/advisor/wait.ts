import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, throwIfCancelled } from '../../errors.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { RunPodClient } from '../../runpod/client.ts';
import { hardwareIn, readCatalog, usable } from './hardware.ts';
import type { Hardware, StockWish } from './types.ts';

export interface WaitOptions {
  /** Told before every pause, with the reason when the look failed. */
  onLook?: ((look: { looks: number; failure?: string }) => void) | undefined;
  /** Ms between two looks. */
  everyMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const politePause = 60_000;

/**
 * Looks at the catalog once a minute until one of the wanted types is in stock, and answers the first in the wish's
 * order: a hint, not a reservation. A longer pause that RunPod asks for is kept, and a failure that may pass only costs
 * a look. Ends with CancelledError when the signal aborts, and with the ApiError when the key is refused.
 */
export async function waitForStock(
  client: RunPodClient,
  wish: StockWish,
  { onLook, everyMs = politePause, signal }: WaitOptions = {},
): Promise<Hardware> {
  const { dataCenter, gpus, gpuCount } = wish;
  const request = { gpus, gpuCount, minCuda: wish.minCuda ?? undefined, cpu: wish.cpu ?? undefined };
  for (let looks = 1; ; looks++) {
    let pause = everyMs;
    let failure: string | undefined;
    try {
      const catalog = await readCatalog(client, request, signal);
      const [free] = usable({ gpus: hardwareIn(dataCenter, catalog, request) });
      if (free !== undefined) {
        return free;
      }
    } catch (error) {
      if (!isApiError(error, 'rate-limit', 'server', 'network', 'timeout', 'edge-blocked')) {
        throw error;
      }
      pause = Math.max(everyMs, error.retryAfterMs ?? 0);
      failure = error.message;
    }
    onLook?.({ looks, ...(failure !== undefined && { failure }) });
    await sleep(pause, signal);
  }
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfCancelled(signal);
  await wait(ms, undefined, signal ? { signal } : {}).catch(() => {
    throw new CancelledError();
  });
}
