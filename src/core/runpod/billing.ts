import type { ApiHttp } from './http.ts';
import { queryString, type BillingFilter } from './requests.ts';
import { billSchema, type Bill } from './schemas.ts';

/**
 * What was charged: `/billing`, in USD. Lags behind by an unknown time, so it is no live meter.
 * Every method throws ApiError, and CancelledError when its signal aborts.
 */
export class BillingApi {
  readonly #http: ApiHttp;

  constructor(http: ApiHttp) {
    this.#http = http;
  }

  /** Everything, by kind of cost. */
  async summary(filter: BillingFilter = {}, signal?: AbortSignal): Promise<Bill> {
    return this.#read('/billing', 'read the bill', { ...filter }, signal);
  }

  /** Pods, or one of them; one record per pod and bucket. */
  async pods(filter: BillingFilter & { podId?: string } = {}, signal?: AbortSignal): Promise<Bill> {
    return this.#read('/billing/pods', 'read the bill of pods', { ...filter }, signal);
  }

  /** Network volumes, or one of them. */
  async volumes(filter: BillingFilter & { networkVolumeId?: string } = {}, signal?: AbortSignal): Promise<Bill> {
    return this.#read('/billing/network-volumes', 'read the bill of volumes', { ...filter }, signal);
  }

  async #read(
    path: string,
    purpose: string,
    filter: Record<string, string | number | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<Bill> {
    return this.#http.json({ method: 'GET', path, query: queryString(filter), purpose, signal }, billSchema);
  }
}
