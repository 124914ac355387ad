import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Faults, RequestFaults } from '../faults.ts';
import type { RateLimiter } from '../limits.ts';
import { LoopbackServer } from '../loopback.ts';
import { Problem } from '../problem.ts';
import { identify, identityPath } from './identity.ts';
import { checkRestrictedKey } from './routes.ts';
import type { Caller, Router } from './router.ts';

/** Larger bodies are refused before the key is looked at. */
const largestBody = 102_400;

export interface ServerSettings {
  router: Router;
  limiter: RateLimiter;
  faults: Faults;
  requestFaults: RequestFaults;
  now: () => number;
  log: (line: string) => void;
  /** The account's key. */
  key: string;
  /** Whether this is one of the keys that were restricted to pods. */
  isRestricted: (key: string) => boolean;
  /** Finds the pod that a key belongs to. */
  podOf: (key: string) => string | undefined;
  /** Throws when a pod's key may not make this call. */
  checkPod: (podId: string, method: string, path: string) => void;
}

/** The one gate that every request passes, in the platform's order: size, key, limit, route. Loopback only. */
export class ApiServer extends LoopbackServer {
  readonly #settings: ServerSettings;

  constructor(settings: ServerSettings) {
    super({ requestTimeout: 60_000 });
    this.#settings = settings;
  }

  protected override serve(request: IncomingMessage, response: ServerResponse): void {
    void this.#serve(request, response);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    let limits: Record<string, string> = {};
    let path = '';
    try {
      const stranger = this.strangerIn(request);
      if (stranger !== undefined) throw new Problem(403, stranger);
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      path = url.pathname;
      if (path === identityPath && request.method === 'GET') {
        send(response, 200, identify(this.#settings.key, url.searchParams.get('nonce')), 'application/json');
        return;
      }
      const text = await readBody(request);
      const caller = this.#authenticate(request);
      const now = this.#settings.now();
      try {
        this.#settings.limiter.count(now);
      } finally {
        limits = this.#settings.limiter.headers(now);
      }
      const who = caller.kind === 'pod' ? caller.podId : caller.kind;
      const method = request.method ?? 'GET';
      const seen = { method, path, caller: who };
      const fault = (await this.#settings.requestFaults.check(seen)) ?? (await this.#settings.faults.request?.(seen));
      if (fault !== undefined) throw fault;
      const instead = this.#settings.requestFaults.insteadOf(seen);
      if (instead !== undefined) {
        sendInstead(response, instead);
        return;
      }
      if (caller.kind === 'restricted') checkRestrictedKey(path);
      if (caller.kind === 'pod') this.#settings.checkPod(caller.podId, method, path);
      const { handler, params } = this.#settings.router.match(method, path);
      const body = parseBody(request, text);
      for (const [name, value] of Object.entries(limits)) response.setHeader(name, value);
      const answer = await handler({ caller, params, query: url.searchParams, body, request, response });
      if (this.#settings.requestFaults.loses(seen)) response.destroy();
      else if (answer !== 'streaming') send(response, answer.status, answer.body, 'application/json');
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(500, 'internal error');
      if (!(error instanceof Problem)) this.#settings.log(`${request.method ?? ''} ${path}: ${String(error)}`);
      for (const [name, value] of Object.entries({ ...limits, ...problem.headers })) setHeader(response, name, value);
      if (problem.status === 413) setHeader(response, 'Connection', 'close');
      send(response, problem.status, problem.body(), 'application/problem+json');
    }
    const ms = (performance.now() - started).toFixed(0);
    this.#settings.log(`${request.method ?? ''} ${path} ${String(response.statusCode)} ${ms} ms`);
  }

  #authenticate(request: IncomingMessage): Caller {
    const header = request.headers.authorization ?? '';
    const key = /^Bearer (\S+)$/i.exec(header)?.[1];
    if (key === undefined) throw new Problem(401, 'missing bearer token');
    if (same(key, this.#settings.key)) return { kind: 'account' };
    if (this.#settings.isRestricted(key)) return { kind: 'restricted' };
    const podId = this.#settings.podOf(key);
    if (podId === undefined) throw new Problem(401, 'invalid bearer token');
    return { kind: 'pod', podId };
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const tooLarge = (): Problem => new Problem(413, `request body must not exceed ${String(largestBody)} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > largestBody) throw tooLarge();
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > largestBody) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseBody(request: IncomingMessage, text: string): unknown {
  if (text === '') return undefined;
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new Problem(415, 'the request body must be application/json');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem(400, 'the request body is not valid JSON');
  }
}

function setHeader(response: ServerResponse, name: string, value: string): void {
  if (!response.headersSent) response.setHeader(name, value);
}

/** What an edge, a proxy or a half-dead service answers for the API. */
function sendInstead(response: ServerResponse, instead: 'done' | 'not found page'): void {
  if (instead === 'done') {
    response.writeHead(204).end();
  } else {
    response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html><body>404 page not found</body></html>');
  }
}

function send(response: ServerResponse, status: number, body: unknown, type: string): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  response.statusCode = status;
  if (body === undefined) {
    response.end();
    return;
  }
  response.setHeader('Content-Type', type);
  response.end(JSON.stringify(body));
}
