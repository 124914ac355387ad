import { isApiError } from './api-error.ts';
import { createOnce } from './create-once.ts';
import type { ApiHttp, ApiRequest } from './http.ts';
import { allPages } from './paginate.ts';
import { createVolumeBody, updateVolumeBody, type CreateVolumeRequest, type UpdateVolumeRequest } from './requests.ts';
import { volumeListSchema, volumeSchema, type Volume } from './schemas.ts';

/** Network volumes: `/network-volumes`. Every method throws ApiError, and CancelledError when its signal aborts. */
export class VolumesApi {
  readonly #http: ApiHttp;

  constructor(http: ApiHttp) {
    this.#http = http;
  }

  async list(signal?: AbortSignal): Promise<Volume[]> {
    const request: ApiRequest = { method: 'GET', path: '/network-volumes', purpose: 'list the volumes', signal };
    return allPages(this.#http, request, async (page) => {
      const { networkVolumes, pagination } = await this.#http.json(page, volumeListSchema);
      return { items: networkVolumes, pagination };
    });
  }

  async get(id: string, signal?: AbortSignal): Promise<Volume> {
    const request: ApiRequest = { method: 'GET', path: volumePath(id), purpose: `read the volume ${id}`, signal };
    return this.#http.json(request, volumeSchema);
  }

  /**
   * Creates a volume. Names are not unique, so it first notes what exists: after a lost answer only a volume that
   * was not there before is taken for the new one. A POST under way is not cut short by the signal: what it creates
   * is deleted before CancelledError is thrown.
   */
  async create(request: CreateVolumeRequest, signal?: AbortSignal): Promise<Volume> {
    const before = new Set((await this.list(signal)).map((volume) => volume.id));
    const post: ApiRequest = {
      method: 'POST',
      path: '/network-volumes',
      body: createVolumeBody(request),
      purpose: `create the volume "${request.name}" in ${request.dataCenter}`,
      uninterrupted: true,
      signal,
    };
    return createOnce({
      create: () => this.#http.json(post, volumeSchema),
      findCandidates: async () =>
        (await this.list()).filter(
          (v) => !before.has(v.id) && v.name === request.name && v.dataCenter === request.dataCenter,
        ),
      discard: (volume) => this.delete(volume.id),
      sleep: (ms) => this.#http.sleep(ms, undefined),
      signal,
    });
  }

  async update(id: string, changes: UpdateVolumeRequest, signal?: AbortSignal): Promise<Volume> {
    const request: ApiRequest = {
      method: 'PATCH',
      path: volumePath(id),
      body: updateVolumeBody(changes),
      purpose: `change the volume ${id}`,
      // Name and size are set to fixed values, so a second time changes nothing.
      repeatable: true,
      signal,
    };
    return this.#http.json(request, volumeSchema);
  }

  /** Deletes a volume and everything on it; one that is gone already counts as success. */
  async delete(id: string, signal?: AbortSignal): Promise<void> {
    const request: ApiRequest = { method: 'DELETE', path: volumePath(id), purpose: `delete the volume ${id}`, signal };
    try {
      await this.#http.sendExpectingNoContent(request);
    } catch (error) {
      if (!isApiError(error, 'not-found')) {
        throw error;
      }
    }
  }
}

function volumePath(id: string): string {
  return `/network-volumes/${encodeURIComponent(id)}`;
}
