import { setTimeout as wait } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import { CancelledError, throwIfCancelled } from '../errors.ts';
import { parseJson } from '../json.ts';
import { describeViolations, readProblem } from './answers.ts';
import { ApiError, type ApiFailure } from './api-error.ts';
import { defaultRetryLimits, exhaustedMs, nextDelayMs, serverDelayMs, type RetryLimits } from './backoff.ts';
import { checkConnection, type RunPodConnection } from './connection.ts';
import { exchangeStream, exchangeText, type AnswerHead, type Exchange, type Lost } from './wire.ts';

/** What is logged of one attempt: nothing else of a request or an answer ever reaches a log. */
export interface ApiCall {
  method: string;
  /** Without the query. */
  path: string;
  /** Undefined when no answer arrived. */
  status: number | undefined;
  ms: number;
  requestId: string | undefined;
}

/** `GET /pods 200 in 123 ms (request 8f2c…)`: which request it was, for who compares with RunPod's own log. */
export function callText({ method, path, status, ms, requestId }: ApiCall): string {
  const id = requestId === undefined ? '' : ` (request ${requestId})`;
  return `${method} ${path} ${status ?? 'without an answer'} in ${Math.round(ms)} ms${id}`;
}

export interface RunPodClientOptions {
  userAgent?: string;
  log?: (call: ApiCall) => void;
  /** Waits; rejects when the signal aborts. */
  sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Between 0 and 1. */
  random?: () => number;
  /** Ms since 1970. */
  now?: () => number;
  /** Ms that one attempt may take; default 30 000, 60 000 where something is changed. */
  timeoutMs?: number;
  retries?: Partial<RetryLimits>;
}

export interface ApiRequest {
  method: Exchange['method'];
  /** Below the base URL, such as `/pods`; or an absolute URL on the same host. */
  path: string;
  query?: string;
  body?: object;
  /** Completes "Could not …". */
  purpose: string;
  /** True when repeating cannot do anything twice; default true for GET and DELETE. */
  repeatable?: boolean;
  /** Attempts in all; fewer than the client's default when it must not wait. */
  attempts?: number;
  timeoutMs?: number;
  /** True when the signal must not cut an attempt short, only prevent the next one. */
  uninterrupted?: boolean;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

const maxBodyBytes = 102_400;
const maxProblemBytes = 64 * 1024;
const maxProblemMs = 10_000;

/** Sends requests with the key, waits and repeats where allowed, turns failures into {@link ApiError}. */
export class ApiHttp {
  readonly #connection: RunPodConnection;
  readonly #options: RunPodClientOptions;
  readonly #limits: RetryLimits;
  readonly #host: string;
  /** Time before which the rate limit lets nothing through. */
  #closedUntil = 0;
  /** Whether the API has answered: an address that is wrong is told at once, and a page of some proxy passes. */
  #isKnown = false;

  constructor(connection: RunPodConnection, options: RunPodClientOptions = {}) {
    this.#connection = checkConnection(connection);
    this.#options = options;
    this.#limits = { ...defaultRetryLimits, ...options.retries };
    this.#host = new URL(this.#connection.restUrl).host;
  }

  get restUrl(): string {
    return this.#connection.restUrl;
  }

  async sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    throwIfCancelled(signal);
    const sleep = this.#options.sleep ?? ((time, s) => wait(time, undefined, s ? { signal: s } : {}));
    try {
      await sleep(ms, signal);
    } catch (error) {
      throwIfCancelled(signal);
      throw error;
    }
    throwIfCancelled(signal);
  }

  /** Sends a request whose answer has no body worth reading. */
  async send(request: ApiRequest): Promise<AnswerHead & { text: string }> {
    return this.#loop(request, (exchange) => exchangeText(exchange));
  }

  /** As {@link send} for DELETE: a page that some proxy invented is not taken for success. */
  async sendExpectingNoContent(request: ApiRequest): Promise<void> {
    const { text, ...head } = await this.send(request);
    if (text.trim() !== '' && parseJson(text) === undefined) {
      const detail = `It answered with ${head.headers['content-type'] ?? 'an untyped body'}.`;
      throw this.#error(request, head, { kind: 'schema', detail });
    }
  }

  /** Sends a request and checks the JSON that comes back. */
  async json<T extends z.ZodType>(request: ApiRequest, schema: T): Promise<z.output<T>> {
    return this.parse(request, await this.send(request), schema);
  }

  /** Checks the JSON of an answer. @throws ApiError `schema` that names the fields. */
  parse<T extends z.ZodType>(request: ApiRequest, answer: AnswerHead & { text: string }, schema: T): z.output<T> {
    const body = parseJson(answer.text);
    const result = schema.safeParse(body);
    if (result.success) {
      return result.data;
    }
    const errors =
      body === undefined
        ? [`It answered with ${answer.headers['content-type'] ?? 'an untyped body'} instead of JSON.`]
        : describeViolations(result.error);
    throw this.#error(request, answer, { kind: 'schema', errors, ambiguous: request.method === 'POST' });
  }

  /** Opens a streamed answer; the caller must consume or destroy the stream. */
  async stream(request: ApiRequest): Promise<AnswerHead & { stream: Readable }> {
    return this.#loop(request, async (exchange) => {
      const outcome = await exchangeStream(exchange);
      if ('lost' in outcome || isSuccess(outcome.status)) {
        return outcome;
      }
      const { stream, ...head } = outcome;
      return { ...head, text: await readText(stream), stream };
    });
  }

  /** An {@link ApiError} about an answer that a caller found to be wrong. */
  failureOf(request: ApiRequest, failure: Pick<ApiFailure, 'kind' | 'detail'>): ApiError {
    return this.#error(request, undefined, failure);
  }

  async #loop<T extends AnswerHead & { text?: string }>(
    request: ApiRequest,
    attempt: (exchange: Exchange) => Promise<T | Lost>,
  ): Promise<T> {
    const { signal } = request;
    const repeatable = request.repeatable ?? ['GET', 'DELETE'].includes(request.method);
    const limits = { ...this.#limits, attempts: Math.min(request.attempts ?? Infinity, this.#limits.attempts) };
    const body = this.#body(request);
    for (let number = 1; ; number += 1) {
      await this.#waitForQuota(request);
      throwIfCancelled(signal);
      const started = this.#now();
      const outcome = await attempt(this.#exchange(request, body));
      const head = 'lost' in outcome ? undefined : outcome;
      this.#log(request, head, this.#now() - started);
      this.#noteQuota(head);
      if (!('lost' in outcome) && isSuccess(outcome.status)) {
        this.#isKnown = true;
        return outcome;
      }
      if ('lost' in outcome && outcome.lost === 'cancelled') {
        throw new CancelledError();
      }
      const delay =
        'lost' in outcome && outcome.lost === 'oversize'
          ? undefined
          : nextDelayMs(
              // A request that never left can be repeated whatever it is.
              {
                number,
                status: head?.status,
                headers: head?.headers ?? {},
                repeatable: repeatable || !sent(outcome),
                stray: this.#isKnown && isStray(outcome),
              },
              this.#now(),
              this.#random(),
              limits,
            );
      if (delay === undefined) {
        throw this.#failure(request, outcome, repeatable);
      }
      await this.sleep(delay, signal);
    }
  }

  /** Reads wait for a new rate window when the last one is used up; what changes or ends something never waits. */
  async #waitForQuota(request: ApiRequest): Promise<void> {
    const delay = this.#closedUntil - this.#now();
    if (request.method === 'GET' && delay > 0 && delay <= this.#limits.maxServerDelayMs) {
      await this.sleep(delay, request.signal);
    }
  }

  #noteQuota(head: AnswerHead | undefined): void {
    const exhausted = exhaustedMs(head?.headers.ratelimit);
    if (exhausted > 0) {
      this.#closedUntil = this.#now() + exhausted;
    }
  }

  #body(request: ApiRequest): string | undefined {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    if (body !== undefined && Buffer.byteLength(body) > maxBodyBytes) {
      throw this.#error(request, undefined, { kind: 'too-large' });
    }
    return body;
  }

  #exchange(request: ApiRequest, body: string | undefined): Exchange {
    const base = request.path.startsWith('/') ? this.#connection.restUrl : '';
    return {
      method: request.method,
      url: `${base}${request.path}${request.query ?? ''}`,
      headers: {
        Accept: 'application/json, application/problem+json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...request.headers,
        // The edge in front of the API blocks some default agents.
        'User-Agent': this.#options.userAgent ?? `${packageJson.name}/${packageJson.version}`,
        Authorization: `Bearer ${this.#connection.apiKey}`,
      },
      body,
      timeoutMs: request.timeoutMs ?? this.#options.timeoutMs ?? (request.method === 'GET' ? 30_000 : 60_000),
      signal: request.uninterrupted ? undefined : request.signal,
    };
  }

  #failure(request: ApiRequest, outcome: (AnswerHead & { text?: string }) | Lost, repeatable: boolean): ApiError {
    if ('lost' in outcome) {
      const kind = outcome.lost === 'timeout' ? 'timeout' : outcome.lost === 'oversize' ? 'schema' : 'network';
      const ambiguous = !repeatable && outcome.sent;
      return this.#error(request, undefined, { kind, detail: outcome.detail, ambiguous });
    }
    const facts = readProblem(outcome.status, outcome.headers['content-type'], outcome.text ?? '');
    return this.#error(request, outcome, {
      ...facts,
      ambiguous: !repeatable && (facts.kind === 'server' || facts.kind === 'timeout'),
      retryAfterMs: facts.kind === 'rate-limit' ? serverDelayMs(outcome.headers, this.#now()) : undefined,
    });
  }

  #error(request: ApiRequest, head: AnswerHead | undefined, failure: Omit<ApiFailure, 'purpose'>): ApiError {
    // A server might quote the key back.
    const clean = (text: string | undefined) => text?.replaceAll(this.#connection.apiKey, '[key]');
    return new ApiError({
      ...failure,
      purpose: request.purpose,
      host: this.#host,
      status: head?.status,
      requestId: requestIdOf(head),
      title: clean(failure.title),
      detail: clean(failure.detail),
      errors: failure.errors?.map((text) => clean(text) ?? ''),
    });
  }

  #log(request: ApiRequest, head: AnswerHead | undefined, ms: number): void {
    const path = request.path.startsWith('/') ? request.path : new URL(request.path).pathname;
    // A server might quote the key back as an id.
    const requestId = requestIdOf(head)?.replaceAll(this.#connection.apiKey, '[key]');
    this.#options.log?.({ method: request.method, path, status: head?.status, ms, requestId });
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  #random(): number {
    return this.#options.random?.() ?? Math.random();
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Whether a 404 is not RunPod's: those are problem documents. */
function isStray(outcome: (AnswerHead & { text?: string }) | Lost): boolean {
  if ('lost' in outcome || outcome.status !== 404) {
    return false;
  }
  return readProblem(404, outcome.headers['content-type'], outcome.text ?? '').kind === 'schema';
}

function sent(outcome: AnswerHead | Lost): boolean {
  return !('lost' in outcome) || outcome.sent;
}

function requestIdOf(head: AnswerHead | undefined): string | undefined {
  return head?.headers['x-request-id'] ?? head?.headers['cf-ray'];
}

/** The start of a stream's text, for an error message; the rest is thrown away. */
async function readText(stream: Readable): Promise<string> {
  let text = '';
  const timer = setTimeout(() => stream.destroy(), maxProblemMs);
  try {
    for await (const chunk of stream) {
      text += (chunk as Buffer).toString('utf8');
      if (text.length > maxProblemBytes) {
        break;
      }
    }
  } catch {
    // A cut error body still has its status.
  } finally {
    clearTimeout(timer);
  }
  return text;
}
