import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';
import type { S3Weather } from './faults.ts';
import type { Refusal } from './refusal.ts';

const pieceBytes = 1 << 18;

/** Sends an answer through what the weather does to it. */
export async function send(response: ServerResponse, answer: Answer, weather: S3Weather): Promise<void> {
  const { status, headers, xml, content } = answer;
  if (content !== undefined) {
    const { 'Content-Length': length = '0', ...others } = headers;
    // Without a length, an early end looks like the end.
    response.writeHead(status, weather.ending?.silent === true ? others : { ...others, 'Content-Length': length });
    await stream(response, content, weather).finally(() => content.file?.close());
    return;
  }
  if (xml === undefined) response.writeHead(status, { 'Content-Length': '0', ...headers }).end();
  else response.writeHead(status, { ...headers, 'Content-Type': 'application/xml' }).end(xml);
}

async function stream(
  response: ServerResponse,
  { file, start, end }: NonNullable<Answer['content']>,
  { cut, ending }: S3Weather,
): Promise<void> {
  const reset = cut?.direction === 'down' ? start + cut.bytes : Infinity;
  const stop = ending === undefined ? Infinity : start + ending.bytes;
  const position = await sendUntil(response, file, start, Math.min(end, reset, stop));
  if (response.destroyed) return;
  if (position === end || (position === stop && ending?.silent === true)) {
    response.end();
    return;
  }
  await flushed(response);
  if (position === reset) response.socket?.resetAndDestroy();
  // Also where the file became shorter meanwhile, and what was announced cannot be sent.
  else response.socket?.end();
}

/** Sends bytes of a file; returns the position that it came to. */
async function sendUntil(
  response: ServerResponse,
  file: FileHandle | undefined,
  start: number,
  until: number,
): Promise<number> {
  let position = start;
  response.flushHeaders();
  while (position < until && file !== undefined && !response.destroyed) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, until - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    if (!response.write(buffer.subarray(0, bytesRead))) await drained(response);
  }
  return position;
}

/** Waits until what was written has left, as a reset would throw it away. */
function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
    if (response.socket === null) resolve();
    else response.socket.write('', () => resolve());
  });
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve();
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** Statuses of the proxy before the service, whose answers are pages. */
const ofProxy = (status: number): boolean => status === 502 || status === 504 || status >= 520;

export function sendRefusal(response: ServerResponse, refusal: Refusal, requestId: string): void {
  const { status } = refusal;
  const page = `<html>\n<head><title>${String(status)}</title></head>\n<body><h1>${String(status)}</h1></body>\n</html>\n`;
  const body = ofProxy(status) ? page : refusal.body(requestId);
  response.writeHead(status, { 'Content-Type': ofProxy(status) ? 'text/html' : 'application/xml' }).end(body);
}
