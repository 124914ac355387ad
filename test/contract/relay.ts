import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ContractValidator } from './validator.ts';

/** One exchange that went through the relay. */
export interface Exchange {
  method: string;
  /** Below the host, decoded, without the query. */
  path: string;
  query: URLSearchParams;
  /** Parsed JSON; undefined when there was none. */
  requestBody: unknown;
  status: number;
  contentType: string | undefined;
  /** Parsed JSON, else the text; undefined when empty. */
  body: unknown;
}

export interface Relay {
  restUrl: string;
  /** Complete exchanges, in the order in which they ended. */
  exchanges: Exchange[];
  close(): Promise<void>;
}

/** Passes requests on to an API on this machine and keeps what was said, byte for byte as it was sent. */
export async function startRelay(targetRestUrl: string): Promise<Relay> {
  const target = new URL(targetRestUrl);
  const exchanges: Exchange[] = [];
  const server = createServer((incoming, outgoing) => {
    const sent: Buffer[] = [];
    const received: Buffer[] = [];
    const onward = httpRequest({
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, host: target.host },
    });
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      outgoing.flushHeaders();
      answer.on('data', (chunk: Buffer) => {
        received.push(chunk);
        outgoing.write(chunk);
      });
      answer.on('close', () => {
        const url = new URL(incoming.url ?? '/', target);
        exchanges.push({
          method: incoming.method ?? '',
          path: decodeURIComponent(url.pathname),
          query: url.searchParams,
          requestBody: parsed(Buffer.concat(sent)),
          status: answer.statusCode ?? 0,
          contentType: answer.headers['content-type'],
          body: parsed(Buffer.concat(received)),
        });
        outgoing.end();
      });
      outgoing.on('close', () => answer.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    incoming.on('data', (chunk: Buffer) => {
      sent.push(chunk);
      onward.write(chunk);
    });
    incoming.on('end', () => onward.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    restUrl: `http://127.0.0.1:${port}${target.pathname}`,
    exchanges,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function parsed(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}

/** Every answer must be one that the contract allows, and no request may be accepted that it forbids. */
export function assertInContract(contract: ContractValidator, exchanges: Exchange[]): void {
  // GraphQL is not part of the document.
  for (const e of exchanges.filter(({ path }) => path.startsWith('/v2/'))) {
    const problems = contract.validateResponse(e.method, e.path, e.status, e.body, e.contentType);
    assert.deepEqual(problems, [], `${e.method} ${e.path} ${e.status}: ${JSON.stringify(e.body)}`);
    if (e.status < 400) {
      const wrong = contract.validateRequest(e.method, e.path, e.query, e.requestBody);
      assert.deepEqual(wrong, [], `accepted though the contract forbids it: ${JSON.stringify(e.requestBody)}`);
    }
  }
}
