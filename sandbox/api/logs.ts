import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../problem.ts';
import { frame, type LogSource, type PodLog } from '../pods/logs.ts';

const invalid = (name: string, text: string): Problem =>
  new Problem(422, 'Request validation failed.', { errors: [`$.query.${name}: ${text}`] });

/** Sends a pod's log as server-sent events; the connection stays open until the client leaves. */
export function streamLogs(
  log: PodLog,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const source = query.get('source') ?? undefined;
  const tail = query.get('tail') ?? '100';
  const since = query.get('since') ?? undefined;
  const lastEventId = request.headers['last-event-id'];
  if (source !== undefined && source !== 'container' && source !== 'system') {
    throw invalid('source', "value must be one of 'container', 'system'");
  }
  if (!/^\d{1,4}$/.test(tail) || Number(tail) > 5000) throw invalid('tail', 'want an integer from 0 to 5000');
  if (since !== undefined && Number.isNaN(Date.parse(since)))
    throw invalid('since', `'${since}' is not valid date-time`);
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache',
    Connection: 'keep-alive',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  const chosen: LogSource | undefined = source;
  const past = log.select({
    source: chosen,
    tail: Number(tail),
    since,
    lastEventId: Array.isArray(lastEventId) ? lastEventId[0] : lastEventId,
  });
  for (const entry of past) response.write(frame(entry));
  const unfollow = log.follow((entry) => {
    if (chosen !== undefined && entry.source !== chosen) return;
    response.write(frame(entry));
    // A client that does not read is cut off; it can come back with the last id.
    if (response.writableLength > 8_000_000) response.destroy();
  });
  const alive = setInterval(() => response.write(': keep-alive\n\n'), 15_000);
  alive.unref();
  response.once('close', () => {
    unfollow();
    clearInterval(alive);
  });
}
