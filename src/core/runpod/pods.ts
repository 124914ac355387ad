import { throwIfCancelled } from '../errors.ts';
import { isApiError } from './api-error.ts';
import { createOnce } from './create-once.ts';
import type { ApiHttp, ApiRequest } from './http.ts';
import { readPodLog, type PodLogLine } from './logs.ts';
import { allPages } from './paginate.ts';
import { createPodBody, patchPodBody, type CreatePodRequest, type LogQuery, type PatchPodRequest } from './requests.ts';
import { podListSchema, podSchema, type Pod, type PodAction } from './schemas.ts';

/** Pods: `/pods`. Every method throws ApiError, and CancelledError when its signal aborts. */
export class PodsApi {
  readonly #http: ApiHttp;

  constructor(http: ApiHttp) {
    this.#http = http;
  }

  /** All pods of the account, newest first, in one call per thousand. */
  async list(signal?: AbortSignal): Promise<Pod[]> {
    const request: ApiRequest = { method: 'GET', path: '/pods', purpose: 'list the pods', signal };
    return allPages(this.#http, request, async (page) => {
      const { pods, pagination } = await this.#http.json(page, podListSchema);
      return { items: pods, pagination };
    });
  }

  async get(id: string, signal?: AbortSignal): Promise<Pod> {
    return this.#http.json({ method: 'GET', path: podPath(id), purpose: `read the pod ${id}`, signal }, podSchema);
  }

  /**
   * Creates a pod. After a lost answer it looks for a pod with the request's name before it tries again, so the
   * name must be unique in the account. A POST under way is not cut short by the signal: what it creates is
   * terminated before CancelledError is thrown.
   */
  async create(request: CreatePodRequest, signal?: AbortSignal): Promise<Pod> {
    const post: ApiRequest = {
      method: 'POST',
      path: '/pods',
      body: createPodBody(request),
      purpose: `create the pod "${request.name}"`,
      uninterrupted: true,
      signal,
    };
    return createOnce({
      create: () => this.#http.json(post, podSchema),
      findCandidates: async () =>
        (await this.list()).filter((pod) => pod.name === request.name && pod.status !== 'TERMINATED'),
      discard: (pod) => this.terminate(pod.id),
      sleep: (ms) => this.#http.sleep(ms, undefined),
      signal,
    });
  }

  /** Changes a pod; anything but `name` and `locked` resets a running container. */
  async patch(id: string, changes: PatchPodRequest, signal?: AbortSignal): Promise<Pod> {
    const body = patchPodBody(changes);
    return this.#http.json(
      { method: 'PATCH', path: podPath(id), body, purpose: `change the pod ${id}`, signal },
      podSchema,
    );
  }

  /** @returns the pod as it is after the action was accepted; null after `terminate`. */
  async action(id: string, action: PodAction, signal?: AbortSignal): Promise<Pod | null> {
    const request: ApiRequest = {
      method: 'POST',
      path: `${podPath(id)}/action`,
      body: { action },
      purpose: `${action} the pod ${id}`,
      // Terminating twice is the same as once; a second start or restart is not.
      repeatable: action === 'terminate',
      signal,
    };
    const answer = await this.#http.send(request);
    if (answer.status === 204) {
      return null;
    }
    const pod = this.#http.parse(request, answer, podSchema);
    return action === 'terminate' ? null : pod;
  }

  /** Ends a pod for good; one that is gone already counts as success. Falls back to the action where DELETE fails. */
  async terminate(id: string, signal?: AbortSignal): Promise<void> {
    const request: ApiRequest = { method: 'DELETE', path: podPath(id), purpose: `terminate the pod ${id}`, signal };
    try {
      await this.#http.sendExpectingNoContent(request);
    } catch (error) {
      if (isApiError(error, 'not-found')) {
        return;
      }
      if (!isApiError(error, 'permission', 'edge-blocked', 'conflict', 'invalid', 'server', 'timeout', 'schema')) {
        throw error;
      }
      await this.#terminateByAction(id, error, signal);
    }
  }

  async #terminateByAction(id: string, first: Error, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.action(id, 'terminate', signal);
    } catch (error) {
      if (isApiError(error, 'not-found') || (isApiError(error, 'conflict') && (await this.#isGone(id, signal)))) {
        return;
      }
      throwIfCancelled(signal);
      throw first;
    }
  }

  async #isGone(id: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return (await this.get(id, signal)).status === 'TERMINATED';
    } catch (error) {
      return isApiError(error, 'not-found');
    }
  }

  /**
   * Follows a pod's log until the server ends the stream (expect that) or the signal aborts.
   * To resume, call again with `lastEventId` of the last line.
   */
  logs(id: string, query: LogQuery = {}, signal?: AbortSignal): AsyncGenerator<PodLogLine, void, void> {
    return readPodLog(this.#http, `${podPath(id)}/logs`, id, query, signal);
  }
}

function podPath(id: string): string {
  return `/pods/${encodeURIComponent(id)}`;
}
