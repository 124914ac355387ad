import type { Readable } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import { isLoopback } from './connection.ts';

/** One HTTP exchange over axios. What leaves this module is plain data: never an axios error, which carries headers. */

export interface Exchange {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** Ms until the answer must be complete; for a stream, until its head has arrived. */
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

export interface AnswerHead {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | undefined>;
}

export type TextOutcome = (AnswerHead & { text: string }) | Lost;
export type StreamOutcome = (AnswerHead & { stream: Readable }) | Lost;

/** No complete answer arrived. */
export interface Lost {
  lost: 'network' | 'timeout' | 'oversize' | 'cancelled';
  /** A sentence without addresses or headers. */
  detail: string | undefined;
  /** False when the request certainly never reached the server. */
  sent: boolean;
}

const maxAnswerBytes = 64 * 1024 * 1024;

const neverSent: Record<string, string> = {
  ENOTFOUND: 'Its name is unknown.',
  EAI_AGAIN: 'Its name could not be looked up.',
  ECONNREFUSED: 'It refused the connection.',
  ENETUNREACH: 'The network is unreachable.',
  EHOSTUNREACH: 'The host is unreachable.',
  CERT_HAS_EXPIRED: 'Its TLS certificate has expired.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Its TLS certificate is self-signed.',
  SELF_SIGNED_CERT_IN_CHAIN: 'Its TLS certificate is not trusted here.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Its TLS certificate is not trusted here.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'Its TLS certificate is not trusted here.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Its TLS certificate is for another name.',
};

/** Exchanges a request for a complete text answer of any status; redirects are not followed. */
export async function exchangeText(exchange: Exchange): Promise<TextOutcome> {
  return run(exchange, 'text', (head, data) => ({ ...head, text: typeof data === 'string' ? data : '' }));
}

/** As {@link exchangeText}, but the body arrives as a stream, which the caller must consume or destroy. */
export async function exchangeStream(exchange: Exchange): Promise<StreamOutcome> {
  return run(exchange, 'stream', (head, data) => ({ ...head, stream: data as Readable }));
}

async function run<T>(
  exchange: Exchange,
  responseType: 'text' | 'stream',
  finish: (head: AnswerHead, data: unknown) => T,
): Promise<T | Lost> {
  const { signal, timeoutMs } = exchange;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const config: AxiosRequestConfig<string> = {
    adapter: 'http',
    method: exchange.method,
    url: exchange.url,
    headers: exchange.headers,
    responseType,
    signal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal,
    // A redirect would carry the key to another host.
    maxRedirects: 0,
    validateStatus: () => true,
    transformRequest: [(data: unknown) => data],
    transformResponse: [(data: unknown) => data],
    ...(responseType === 'text' && { maxContentLength: maxAnswerBytes }),
    ...(exchange.body !== undefined && { data: exchange.body }),
    // Nothing outside this machine can reach its loopback address, so a proxy must not be asked for it.
    ...(isLoopback(exchange.url) && { proxy: false }),
  };
  // Loaded at the first request: the editor starts without waiting for it.
  const { default: axios } = await import('axios');
  try {
    const response = await axios.request<unknown>(config);
    const headers: Record<string, string | undefined> = {};
    for (const [name, value] of Object.entries(response.headers)) {
      headers[name.toLowerCase()] = typeof value === 'string' ? value : undefined;
    }
    return finish({ status: response.status, headers }, response.data);
  } catch (error) {
    if (signal?.aborted) {
      return { lost: 'cancelled', detail: undefined, sent: true };
    }
    if (deadline.signal.aborted) {
      return { lost: 'timeout', detail: `Waited ${Math.round(timeoutMs / 1000)} s.`, sent: true };
    }
    return describeLoss(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Says what broke from the error's code alone; its message and config are not trusted to be free of secrets. */
function describeLoss(error: unknown): Lost {
  const code = (error as { code?: unknown } | null)?.code;
  const name = typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code) ? code : undefined;
  if (name === 'ETIMEDOUT' || name === 'ECONNABORTED') {
    return { lost: 'timeout', detail: undefined, sent: true };
  }
  if (name === 'ERR_BAD_RESPONSE') {
    return { lost: 'oversize', detail: 'The answer is too long or broken.', sent: true };
  }
  const known = name === undefined ? undefined : neverSent[name];
  if (known !== undefined) {
    return { lost: 'network', detail: `${known} (${name ?? ''})`, sent: false };
  }
  return { lost: 'network', detail: name === undefined ? undefined : `The cause is ${name}.`, sent: true };
}
