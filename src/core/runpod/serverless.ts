import { isApiError } from './api-error.ts';
import type { ApiHttp, ApiRequest } from './http.ts';
import { allPages } from './paginate.ts';
import { patchEndpointBody, type PatchEndpointRequest } from './requests.ts';
import { endpointListSchema, endpointSchema, type Endpoint } from './schemas.ts';

/** Serverless endpoints: `/serverless`. Every method throws ApiError, and CancelledError when its signal aborts. */
export class ServerlessApi {
  readonly #http: ApiHttp;

  constructor(http: ApiHttp) {
    this.#http = http;
  }

  /** All endpoints of the account, newest first. */
  async list(signal?: AbortSignal): Promise<Endpoint[]> {
    const request: ApiRequest = { method: 'GET', path: '/serverless', purpose: 'list the endpoints', signal };
    return allPages(this.#http, request, async (page) => {
      const { endpoints, pagination } = await this.#http.json(page, endpointListSchema);
      return { items: endpoints, pagination };
    });
  }

  async get(id: string, signal?: AbortSignal): Promise<Endpoint> {
    const request: ApiRequest = { method: 'GET', path: endpointPath(id), purpose: `read the endpoint ${id}`, signal };
    return this.#http.json(request, endpointSchema);
  }

  async patch(id: string, changes: PatchEndpointRequest, signal?: AbortSignal): Promise<Endpoint> {
    const request: ApiRequest = {
      method: 'PATCH',
      path: endpointPath(id),
      body: patchEndpointBody(changes),
      purpose: `change the endpoint ${id}`,
      // Name and workers are set to fixed values, so a second time changes nothing.
      repeatable: true,
      signal,
    };
    return this.#http.json(request, endpointSchema);
  }

  /** Deletes an endpoint, its workers and the requests that wait; one that is gone already counts as success. */
  async delete(id: string, signal?: AbortSignal): Promise<void> {
    const request: ApiRequest = {
      method: 'DELETE',
      path: endpointPath(id),
      purpose: `delete the endpoint ${id}`,
      signal,
    };
    try {
      await this.#http.sendExpectingNoContent(request);
    } catch (error) {
      if (!isApiError(error, 'not-found')) {
        throw error;
      }
    }
  }
}

function endpointPath(id: string): string {
  return `/serverless/${encodeURIComponent(id)}`;
}
