import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { CancelledError } from '../../../src/core/errors.ts';
import { isApiError } from '../../../src/core/runpod/api-error.ts';
import type { RunPodClient } from '../../../src/core/runpod/client.ts';
import { collect, problem, startApiServer, testClient, type ApiServer, type Reply } from './api-server.ts';

const streamHead = { 'content-type': 'text/event-stream; charset=utf-8' };
const frame = (id: number, line: string) =>
  `id: 2026-09-01T10:00:00Z/${id}\ndata: ${JSON.stringify({ ts: '2026-09-01T10:00:00Z', source: 'container', line })}\n\n`;

describe('RunPod client: pod log', () => {
  let server: ApiServer;
  let replies: Reply[] = [];
  let client: RunPodClient;
  beforeEach(async () => {
    server = await startApiServer((_, count) => replies[count - 1] ?? 'destroy');
    ({ client } = testClient(server.restUrl));
  });
  afterEach(() => server.close());

  it('yields lines while the stream is open and ends with it', async () => {
    let response: ServerResponse | undefined;
    replies = [
      (r) => {
        response = r.writeHead(200, streamHead);
        response.write(`: hello\n\n${frame(1, 'one')}`);
      },
    ];
    const log = client.pods.logs('pod1', { tail: 5, source: 'container', lastEventId: 'before/7' });
    const first = await log.next();
    assert.deepEqual(first.value, {
      id: '2026-09-01T10:00:00Z/1',
      ts: '2026-09-01T10:00:00Z',
      source: 'container',
      line: 'one',
    });
    response?.end(`${frame(2, 'two')}id: 3\ndata: not an object\n\ndata: cut`);
    const rest = await collect(log);
    assert.deepEqual(
      rest.map((entry) => entry.line),
      ['two', 'not an object'],
    );
    assert.deepEqual(rest[1], { id: '3', ts: null, source: null, line: 'not an object' });
    const [request] = server.requests;
    assert.equal(request?.path, '/v2/pods/pod1/logs');
    assert.equal(request.search, '?tail=5&source=container');
    assert.equal(request.headers['last-event-id'], 'before/7');
    assert.equal(request.headers.accept, 'text/event-stream');
  });

  it('repeats the opening over 5xx and reports a refusal with its words', async () => {
    replies = [problem(503, 'upstream'), problem(404, 'pod not found')];
    await assert.rejects(
      collect(client.pods.logs('gone')),
      (e) => isApiError(e, 'not-found') && e.detail === 'pod not found',
    );
  });

  it('reports a stream that breaks off, and what was read stays read', async () => {
    replies = [
      (r) => {
        r.writeHead(200, { ...streamHead, 'content-length': '100000' });
        r.write(frame(1, 'one'), () => r.destroy());
      },
    ];
    const log = client.pods.logs('pod1');
    assert.equal((await log.next()).done, false);
    await assert.rejects(log.next(), (e) => isApiError(e, 'network'));
  });

  it('refuses an answer that is no log', async () => {
    replies = [{ json: { pods: [] } }];
    await assert.rejects(collect(client.pods.logs('pod1')), (e) => isApiError(e, 'schema'));
  });

  it('closes the connection when the reader stops or cancels', async () => {
    const closed: Promise<unknown>[] = [];
    const endless: Reply = (r) => {
      closed.push(once(r, 'close'));
      r.writeHead(200, streamHead).write(frame(1, 'one'));
    };
    replies = [endless, endless];
    for await (const entry of client.pods.logs('pod1')) {
      assert.equal(entry.line, 'one');
      break;
    }
    await closed[0];
    const stop = new AbortController();
    const log = client.pods.logs('pod1', {}, stop.signal);
    await log.next();
    const waiting = log.next();
    stop.abort();
    await assert.rejects(waiting, CancelledError);
    await closed[1];
  });
});
