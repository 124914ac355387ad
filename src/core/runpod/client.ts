import { AccountApi, type Balance } from './account.ts';
import { BillingApi } from './billing.ts';
import { CatalogApi } from './catalog.ts';
import { isLoopback, type RunPodConnection } from './connection.ts';
import { ApiHttp, type RunPodClientOptions } from './http.ts';
import { PodsApi } from './pods.ts';
import { ServerlessApi } from './serverless.ts';
import { VolumesApi } from './volumes.ts';

/** RunPod's REST API v2. Holds the key privately: printing or serializing a client shows none of it. */
export class RunPodClient {
  readonly pods: PodsApi;
  readonly volumes: VolumesApi;
  readonly serverless: ServerlessApi;
  readonly catalog: CatalogApi;
  readonly billing: BillingApi;
  readonly account: AccountApi;
  /** Whether nothing that it rents is charged: what answers on this machine is the sandbox. */
  readonly free: boolean;

  /** @throws UserError when the address or the key cannot be used. */
  constructor(connection: RunPodConnection, options: RunPodClientOptions = {}) {
    this.free = isLoopback(connection.restUrl);
    const http = new ApiHttp(connection, options);
    this.pods = new PodsApi(http);
    this.volumes = new VolumesApi(http);
    this.serverless = new ServerlessApi(http);
    this.catalog = new CatalogApi(http);
    this.billing = new BillingApi(http);
    this.account = new AccountApi(http);
  }

  /** See {@link AccountApi.balance}. */
  async balance(signal?: AbortSignal): Promise<Balance | undefined> {
    return this.account.balance(signal);
  }
}
