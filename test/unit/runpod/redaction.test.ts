import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { messageOf } from '../../../src/core/errors.ts';
import { callText, type ApiCall } from '../../../src/core/runpod/http.ts';
import { canaryKey, collect, podJson, startApiServer, testClient, type ApiServer, type Reply } from './api-server.ts';

const canaryEnv = 'hf_CANARY_env_value';

/** Everything that a careless line of code could print of a value. */
function renderings(value: unknown): string {
  const properties = value instanceof Error ? inspect(Object.getOwnPropertyDescriptors(value), { depth: 12 }) : '';
  return [
    inspect(value, { depth: 12, showHidden: true, getters: true }),
    properties,
    JSON.stringify(value),
    messageOf(value),
    value instanceof Error ? (value.stack ?? '') : '',
  ].join('\n');
}

function assertClean(value: unknown, what: string): void {
  const text = renderings(value);
  assert.ok(!text.includes(canaryKey), `the key is in ${what}: ${text}`);
  assert.ok(!text.includes('Bearer'), `the header is in ${what}: ${text}`);
  assert.ok(!text.includes(canaryEnv), `an environment value is in ${what}: ${text}`);
}

describe('RunPod client: the key stays in its header', () => {
  let server: ApiServer;
  let reply: Reply;
  before(async () => {
    server = await startApiServer(() => reply);
  });
  after(() => server.close());

  const echo = `The key ${canaryKey} is wrong, Bearer or not`.replace('Bearer', 'bearer');
  const replies: Record<string, Reply> = {
    'a refusal that quotes the key': {
      status: 401,
      json: { title: canaryKey, status: 401, detail: echo, errors: [echo] },
    },
    'a v1 refusal that quotes the key': { status: 400, json: { message: echo } },
    'a server failure': { status: 500, json: { title: 'x', status: 500, detail: 'y' } },
    'an answer that breaks the schema': { json: { id: 7, name: canaryKey, env: { TOKEN: canaryEnv } } },
    'a page': { text: `<html>${canaryKey}</html>`, headers: { 'content-type': 'text/html' } },
    'a cut connection': 'destroy',
    'a silent server': 'hang',
    'a broken answer': (response) => response.socket?.end('HTTP/1.1 nonsense\r\n\r\n'),
  };

  for (const [name, answer] of Object.entries(replies)) {
    it(`shows it in no error and no log after ${name}`, async () => {
      reply = answer;
      const calls: ApiCall[] = [];
      const { client } = testClient(server.restUrl, {
        timeoutMs: 60,
        retries: { attempts: 2 },
        log: (call) => calls.push(call),
      });
      const request = { name: 'a', image: 'b', env: { TOKEN: canaryEnv }, gpu: { id: 'NVIDIA L4' } };
      const attempts: Promise<unknown>[] = [
        client.pods.get('x'),
        client.pods.create(request),
        collect(client.pods.logs('x')),
      ];
      for (const settled of await Promise.allSettled(attempts)) {
        assert.equal(settled.status, 'rejected');
        assertClean(settled.reason, 'the error');
        assert.equal((settled.reason as Error).cause, undefined);
      }
      assert.ok(calls.length >= 3);
      assertClean(calls, 'the log');
      assertClean(client, 'the client');
    });
  }

  it('logs method, path, status, time and request id of every attempt, and nothing else', async () => {
    reply = { json: podJson(), headers: { 'x-request-id': 'req-1' } };
    const calls: ApiCall[] = [];
    let time = 0;
    const { client } = testClient(server.restUrl, { log: (call) => calls.push(call), now: () => (time += 5) });
    await client.pods.get('x');
    await client.balance();
    assert.deepEqual(
      calls.map(({ ms, ...call }) => (assert.ok(ms > 0), call)),
      [
        { method: 'GET', path: '/pods/x', status: 200, requestId: 'req-1' },
        { method: 'POST', path: '/graphql', status: 200, requestId: 'req-1' },
      ],
    );
    assert.equal(
      callText({ method: 'GET', path: '/pods/x', status: 200, ms: 12.4, requestId: 'req-1' }),
      'GET /pods/x 200 in 12 ms (request req-1)',
    );
    const lost = { method: 'DELETE', path: '/pods/x', status: undefined, ms: 30_000, requestId: undefined };
    assert.equal(callText(lost), 'DELETE /pods/x without an answer in 30000 ms');
  });

  it('logs no key that a server quotes back as an id', async () => {
    reply = { json: podJson(), headers: { 'x-request-id': `req ${canaryKey}` } };
    const calls: ApiCall[] = [];
    const { client } = testClient(server.restUrl, { log: (call) => calls.push(call) });
    await client.pods.get('x');
    assertClean(calls, 'the log');
    assert.equal(calls[0]?.requestId, 'req [key]');
  });
});
