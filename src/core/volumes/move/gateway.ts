import { CancelledError } from '../../errors.ts';
import { withGateway, type Gateway } from '../../transport/gateway/gateway.ts';
import type { Installation } from '../../home/installation.ts';
import { podPrefix } from '../../journal/id.ts';
import type { OnEvent } from '../../journal/run-event.ts';
import type { Volume } from '../../runpod/schemas.ts';
import { Later } from './deferred.ts';

/** A gateway that is held while others work with it; its link is renewed when it breaks. */
export class HeldGateway {
  readonly #stop = new AbortController();
  readonly #released = new Later<undefined>();
  readonly #ended: Promise<unknown>;
  #live = new Later<Gateway>();
  #rented: { at: number; costPerHour: number } | undefined;
  #cost = 0;

  /** Rents it at once; the price has been agreed to. */
  constructor(installation: Installation, volume: Volume, onEvent: OnEvent) {
    const request = {
      volume,
      name: `${podPrefix}move-${volume.id}`,
      purpose: 'move' as const,
      project: 'move',
      confirm: () => Promise.resolve(true),
      onEvent: (event: Parameters<OnEvent>[0]) => {
        if (event.type === 'pod') {
          this.#rented = { at: performance.now(), costPerHour: event.costPerHour };
        }
        onEvent(event);
      },
      signal: this.#stop.signal,
    };
    this.#ended = withGateway(installation, request, (gateway) => this.#hold(gateway)).finally(() => {
      this.#cost = this.cost;
      this.#rented = undefined;
    });
    this.#ended.catch((error: unknown) => this.#live.reject(error));
  }

  /** The gateway with an open link, as soon as there is one. Rejects with the reason when there will be none. */
  live(): Promise<Gateway> {
    return this.#live.promise;
  }

  /** Ends the pod, also one that is only being rented. Rejects when a pod may be left. */
  async end(): Promise<void> {
    this.#released.resolve(undefined);
    // A pod that RunPod is just asked for is waited for and ended; the request itself is never cut.
    this.#stop.abort();
    try {
      await this.#ended;
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        throw error;
      }
    }
  }

  /** USD so far. */
  get cost(): number {
    const { at, costPerHour } = this.#rented ?? { at: 0, costPerHour: 0 };
    return this.#cost + ((performance.now() - at) / 3_600_000) * costPerHour;
  }

  /** Lasts until it is released; fails with the link, so that a new one is made. */
  async #hold(gateway: Gateway): Promise<void> {
    this.#live.resolve(gateway);
    const lost = await Promise.race([this.#released.promise, gateway.connection.closed]);
    this.#live = new Later();
    if (lost !== undefined) {
      throw lost;
    }
  }
}
