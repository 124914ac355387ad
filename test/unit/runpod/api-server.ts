import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import { isApiError, type ApiError, type ApiErrorKind } from '../../../src/core/runpod/api-error.ts';
import type { RunPodClientOptions } from '../../../src/core/runpod/http.ts';

/** A small HTTP server on this machine that records what it is asked and answers as the test says. */

export interface RecordedRequest {
  method: string;
  /** Below the host, without the query. */
  path: string;
  query: URLSearchParams;
  /** The query as it was sent. */
  search: string;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined when there was none. */
  body: unknown;
}

/** `destroy` cuts the connection without an answer, `hang` never answers, a function writes what it likes. */
export type Reply =
  | { status?: number; json?: unknown; text?: string; headers?: Record<string, string> }
  | 'destroy'
  | 'hang'
  | ((response: ServerResponse) => void);

export interface ApiServer {
  restUrl: string;
  requests: RecordedRequest[];
  close(): Promise<void>;
}

/** A key that must turn up nowhere but in the Authorization header. */
export const canaryKey = 'rpa_CANARY_5f1d7c0e9b';

export async function startApiServer(answer: (request: RecordedRequest, count: number) => Reply): Promise<ApiServer> {
  const requests: RecordedRequest[] = [];
  const server = createServer((incoming, response) => {
    void record(incoming).then((request) => {
      requests.push(request);
      write(response, answer(request, requests.length));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    restUrl: `http://127.0.0.1:${port}/v2`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function record(incoming: IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
  }
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    method: incoming.method ?? '',
    path: decodeURI(url.pathname),
    query: url.searchParams,
    search: url.search,
    headers: incoming.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

function write(response: ServerResponse, reply: Reply): void {
  if (typeof reply === 'function') {
    reply(response);
  } else if (reply === 'destroy') {
    response.destroy();
  } else if (reply !== 'hang') {
    const status = reply.status ?? 200;
    const type = status >= 400 ? 'application/problem+json' : 'application/json';
    const text = reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));
    response.writeHead(status, { ...(text !== '' && { 'content-type': type }), ...reply.headers }).end(text);
  }
}

/** A refusal as API v2 words it. */
export function problem(status: number, detail: string, extra: object = {}): Reply {
  return { status, json: { title: `Status ${status}`, status, detail, ...extra } };
}

/** A client that never really waits; `waits` collects how long it would have, in ms. */
export function testClient(
  restUrl: string,
  options: RunPodClientOptions = {},
): { client: RunPodClient; waits: number[] } {
  const waits: number[] = [];
  const sleep = (ms: number) => {
    waits.push(ms);
    return Promise.resolve();
  };
  return { client: new RunPodClient({ restUrl, apiKey: canaryKey }, { sleep, random: () => 0, ...options }), waits };
}

/** The smallest pod that the saved contract allows. */
export function podJson(fields: object = {}): object {
  return {
    id: 'pod1',
    name: 'trainer-a',
    status: 'RUNNING',
    actions: ['stop', 'restart', 'terminate'],
    image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
    args: '',
    disk: 20,
    mounts: { network: [{ volumeId: 'vol1', path: '/workspace' }] },
    ports: ['22/tcp'],
    env: {},
    registry: null,
    gpu: { id: 'NVIDIA L4', count: 1 },
    cloud: 'SECURE',
    dataCenterId: 'EU-RO-1',
    cudaVersion: '12.8',
    ssh: {
      proxy: null,
      direct: { host: '203.0.113.7', port: 22022, username: 'root', command: 'ssh root@203.0.113.7' },
    },
    template: null,
    cost: 0.43,
    locked: false,
    runtime: null,
    createdAt: '2026-09-01T10:00:00Z',
    startedAt: null,
    globalNetworking: { enabled: false },
    ...fields,
  };
}

export const volumeJson = { id: 'vol1', name: 'songs', size: 50, dataCenter: 'EU-RO-1', type: 'STANDARD' };

export const billJson = {
  records: [
    {
      startTime: '2026-09-01T00:00:00Z',
      endTime: '2026-09-02T00:00:00Z',
      podId: 'pod1',
      gpuAmount: 1.5,
      cpuAmount: 0,
      diskAmount: 0.25,
      totalAmount: 1.75,
    },
  ],
  metadata: {
    query: { startTime: '2026-09-01T00:00:00Z', endTime: '2026-09-02T00:00:00Z', bucketSize: 'day', podId: 'pod1' },
    recordCount: 1,
    uniquePodCount: 1,
    totals: { gpuAmount: 1.5, cpuAmount: 0, diskAmount: 0.25, totalAmount: 1.75 },
  },
};

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

/** The ApiError that a call ends with. */
export async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await promise.then(
    () => assert.fail('The call succeeded.'),
    (e: unknown) => e,
  );
  assert.ok(isApiError(error), String(error));
  return error;
}

export async function assertKind(promise: Promise<unknown>, kind: ApiErrorKind, status?: number): Promise<void> {
  const error = await failure(promise);
  assert.deepEqual([error.kind, status ?? error.status], [kind, error.status], error.message);
}

/** `GET /pods` and so on, in the order of arrival. */
export const routesOf = (server: ApiServer) => server.requests.map((r) => `${r.method} ${r.path.replace('/v2', '')}`);

/** Starts servers for the tests of a suite and closes each after its test. */
export function useApiServers(): typeof startApiServer {
  const open: ApiServer[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()));
  });
  return async (answer) => {
    const server = await startApiServer(answer);
    open.push(server);
    return server;
  };
}
