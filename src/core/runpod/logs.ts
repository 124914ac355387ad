import { CancelledError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { ApiHttp, ApiRequest } from './http.ts';
import { queryString, type LogQuery } from './requests.ts';
import { logLineSchema } from './schemas.ts';
import { ServerSentEventParser, type ServerSentEvent } from './sse.ts';

export interface PodLogLine {
  /** Opaque; give it back as `lastEventId` to resume after this line. Empty when the server sent none. */
  id: string;
  /** RFC 3339, or null when not told. */
  ts: string | null;
  /** `system` is the platform: image pull, container start and stop. */
  source: string | null;
  /** Raw text of the pod: may hold terminal escapes. */
  line: string;
}

/** Reads one log stream from its opening to its end. @throws ApiError, or CancelledError when the signal aborts. */
export async function* readPodLog(
  http: ApiHttp,
  path: string,
  podId: string,
  query: LogQuery,
  signal: AbortSignal | undefined,
): AsyncGenerator<PodLogLine, void, void> {
  const { lastEventId, ...filter } = query;
  const request: ApiRequest = {
    method: 'GET',
    path,
    query: queryString(filter),
    headers: { Accept: 'text/event-stream', ...(lastEventId && { 'Last-Event-ID': lastEventId }) },
    purpose: `read the log of the pod ${podId}`,
    signal,
  };
  const { stream, headers } = await http.stream(request);
  const stop = () => stream.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    if (signal?.aborted) {
      throw new CancelledError();
    }
    if (!headers['content-type']?.startsWith('text/event-stream')) {
      const got = headers['content-type'] ?? 'an untyped body';
      throw http.failureOf(request, { kind: 'schema', detail: `It answered with ${got} instead of a log.` });
    }
    const parser = new ServerSentEventParser();
    const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    for (;;) {
      const next = await chunks.next().catch(() => 'broken' as const);
      if (signal?.aborted) {
        throw new CancelledError();
      }
      if (next === 'broken') {
        throw http.failureOf(request, { kind: 'network', detail: 'The log stream broke off.' });
      }
      if (next.done) {
        return;
      }
      for (const event of parser.push(next.value)) {
        yield toLine(event);
      }
    }
  } catch (error) {
    if (error instanceof RangeError) {
      throw http.failureOf(request, { kind: 'schema', detail: error.message });
    }
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    stream.destroy();
  }
}

/** A frame that is no log object still is something the pod said. */
function toLine(event: ServerSentEvent): PodLogLine {
  const entry = logLineSchema.safeParse(parseJson(event.data));
  return entry.success ? { id: event.id, ...entry.data } : { id: event.id, ts: null, source: null, line: event.data };
}
