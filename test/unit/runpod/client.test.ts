import assert from 'node:assert/strict';
import { CancelledError } from '../../../src/core/errors.ts';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import {
  assertKind,
  canaryKey,
  failure,
  podJson,
  problem,
  routesOf,
  testClient,
  useApiServers,
  type Reply,
} from './api-server.ts';

describe('RunPod client', () => {
  const serve = useApiServers();

  describe('pagination', () => {
    it('follows hasNextPage through short and empty pages, and returns a pod once', async () => {
      const pages: Record<string, object> = {
        '': {
          pods: [podJson({ id: 'a' }), podJson({ id: 'b' })],
          pagination: { nextCursor: 'x+/=', hasNextPage: true },
        },
        'x+/=': { pods: [], pagination: { nextCursor: 'y', hasNextPage: true } },
        y: { pods: [podJson({ id: 'b' }), podJson({ id: 'c' })], pagination: { nextCursor: null, hasNextPage: false } },
      };
      const { restUrl, requests } = await serve((r) => ({ json: pages[r.query.get('cursor') ?? ''] }));
      const pods = await testClient(restUrl).client.pods.list();
      assert.deepEqual(
        pods.map((pod) => pod.id),
        ['a', 'b', 'c'],
      );
      assert.equal(requests.length, 3);
    });

    it('reads a list without pagination in one call', async () => {
      const { restUrl, requests } = await serve(() => ({ json: { pods: [podJson()] } }));
      assert.equal((await testClient(restUrl).client.pods.list()).length, 1);
      assert.deepEqual([requests.length, requests[0]?.search], [1, '']);
    });

    it('stops with an error when the cursor does not advance', async () => {
      const stuck = { pods: [], pagination: { nextCursor: 'same', hasNextPage: true } };
      const { restUrl, requests } = await serve(() => ({ json: stuck }));
      await assertKind(testClient(restUrl).client.pods.list(), 'schema');
      assert.equal(requests.length, 2);
    });
  });

  describe('repeating', () => {
    it('repeats a read over a page that somebody else wrote, once the API has answered', async () => {
      const page = { status: 404, text: '404 page not found' };
      const replies: Reply[] = [{ json: podJson() }, page, page, { json: podJson() }];
      const { restUrl, requests } = await serve((_, count) => replies[count - 1] ?? 'destroy');
      const { client } = testClient(restUrl);
      await client.pods.get('p');
      assert.equal((await client.pods.get('p')).id, 'pod1');
      assert.equal(requests.length, 4);
    });

    it('takes such a page for a wrong address where the API never answered', async () => {
      const { restUrl, requests } = await serve(() => ({ status: 404, text: '404 page not found' }));
      await assertKind(testClient(restUrl).client.pods.get('p'), 'schema');
      assert.equal(requests.length, 1);
    });

    it('repeats a read over 5xx, a cut connection and 429, and waits as it is told', async () => {
      const replies: Reply[] = [
        problem(503, 'upstream'),
        'destroy',
        { ...(problem(429, 'minute window') as object), headers: { 'retry-after': '7' } },
        { json: podJson() },
      ];
      const { restUrl } = await serve((_, count) => replies[count - 1] ?? 'destroy');
      const { client, waits } = testClient(restUrl);
      assert.equal((await client.pods.get('pod1')).id, 'pod1');
      assert.deepEqual(waits, [250, 500, 7000]);
    });

    it('gives up after the last attempt with the last answer', async () => {
      const { restUrl, requests } = await serve(() => problem(500, 'broken'));
      const error = await failure(testClient(restUrl).client.volumes.list());
      assert.deepEqual([error.kind, error.detail, error.ambiguous, requests.length], ['server', 'broken', false, 5]);
    });

    it('never repeats 422, and never repeats a start after 5xx', async () => {
      const { restUrl, requests } = await serve((r) => problem(r.method === 'GET' ? 422 : 500, 'no'));
      const { client } = testClient(restUrl);
      await assertKind(client.pods.get('x'), 'invalid');
      const error = await failure(client.pods.action('x', 'start'));
      assert.deepEqual([error.kind, error.ambiguous, requests.length], ['server', true, 2]);
    });

    it('repeats a POST after 429, because nothing happened', async () => {
      const { restUrl } = await serve((_, count) => (count === 1 ? problem(429, 'minute') : { json: podJson() }));
      assert.equal((await testClient(restUrl).client.pods.action('x', 'stop'))?.id, 'pod1');
    });

    it('tells how long to wait when the wait is too long to sit through', async () => {
      const reply = { ...(problem(429, 'hour window') as object), headers: { 'retry-after': '1800' } };
      const { restUrl, requests } = await serve(() => reply);
      const error = await failure(testClient(restUrl).client.pods.list());
      assert.deepEqual([error.kind, error.retryAfterMs, requests.length], ['rate-limit', 1_800_000, 1]);
      assert.match(error.message, /Wait 30 minutes/);
    });

    it('holds reads back while the rate window is used up, but never what ends a pod', async () => {
      const headers = { ratelimit: '"minute";r=0;t=12' };
      const { restUrl } = await serve((r) =>
        r.method === 'DELETE' ? { status: 204 } : { json: { pods: [] }, headers },
      );
      const { client, waits } = testClient(restUrl, { now: () => 0 });
      await client.pods.list();
      await client.pods.terminate('x');
      assert.deepEqual(waits, []);
      await client.pods.list();
      assert.deepEqual(waits, [12_000]);
    });

    it('reports an unreachable host as network, a silent one as timeout', async () => {
      const s = await serve(() => 'hang');
      const error = await failure(
        testClient(s.restUrl, { timeoutMs: 50, retries: { attempts: 2 } }).client.pods.list(),
      );
      assert.deepEqual([error.kind, error.status], ['timeout', undefined]);
      await s.close();
      const refused = await failure(testClient(s.restUrl).client.pods.list());
      assert.equal(refused.kind, 'network');
      assert.match(refused.message, /127\.0\.0\.1:\d+ could not be reached.*refused the connection/);
    });

    it('follows no redirect and believes no page that is not JSON', async () => {
      const page = { text: '<html>Log in to the hotel network</html>', headers: { 'content-type': 'text/html' } };
      const { restUrl, requests } = await serve((r) =>
        r.path.includes('moved') ? { status: 302, headers: { location: 'https://example.com/' } } : page,
      );
      const { client } = testClient(restUrl);
      await assertKind(client.pods.get('moved'), 'schema');
      await assertKind(client.pods.list(), 'schema');
      await assertKind(client.pods.terminate('x'), 'schema');
      await assertKind(client.volumes.delete('x'), 'schema');
      assert.equal(requests.length, 5, 'terminate also tried the action');
    });

    it('refuses a body over 100 KiB before sending it', async () => {
      const { restUrl, requests } = await serve(() => ({ json: podJson() }));
      const { client } = testClient(restUrl);
      const create = client.pods.create({
        name: 'a',
        image: 'b',
        env: { A: 'ä'.repeat(60_000) },
        gpu: { id: 'NVIDIA L4' },
      });
      await assertKind(create, 'too-large');
      assert.equal(requests.length, 0);
    });

    it('names the field when an answer breaks the schema', async () => {
      const { restUrl } = await serve(() => ({ json: { pods: [podJson({ cost: 'free' })] } }));
      const error = await failure(testClient(restUrl).client.pods.list());
      assert.equal(error.kind, 'schema');
      assert.match(error.message, /pods\[0\]\.cost/);
    });
  });

  describe('terminate and delete', () => {
    it('takes 404 for success, but only one that API v2 wrote', async () => {
      const { restUrl } = await serve((r) =>
        r.path.includes('gone') ? problem(404, 'pod not found') : { status: 404, text: 'nginx' },
      );
      const { client } = testClient(restUrl);
      await client.pods.terminate('gone');
      await client.volumes.delete('gone');
      await assertKind(client.pods.terminate('other'), 'schema');
      await assertKind(client.volumes.delete('other'), 'schema');
    });

    for (const [name, reply] of [
      ['403', problem(403, 'no DELETE for this key')],
      ['405', problem(405, 'method not allowed')],
      ['409', problem(409, 'busy')],
      ['500', problem(500, 'broken')],
    ] as const) {
      it(`falls back to the action when DELETE answers ${name}`, async () => {
        const s = await serve((r) => (r.method === 'DELETE' ? reply : { status: 204 }));
        await testClient(s.restUrl).client.pods.terminate('x');
        assert.equal(routesOf(s).at(-1), 'POST /pods/x/action');
        assert.deepEqual(s.requests.at(-1)?.body, { action: 'terminate' });
      });
    }

    it('takes a conflict for success when the pod is gone on a second look', async () => {
      const { restUrl } = await serve((r) =>
        r.method === 'GET' ? { json: podJson({ status: 'TERMINATED' }) } : problem(409, 'already terminated'),
      );
      await testClient(restUrl).client.pods.terminate('x');
    });

    it('throws what DELETE said when both ways fail, and does not try the action with a bad key', async () => {
      const s = await serve((r) => problem(r.path.includes('key') ? 401 : r.method === 'DELETE' ? 403 : 500, r.method));
      const { client } = testClient(s.restUrl);
      const error = await failure(client.pods.terminate('x'));
      assert.deepEqual([error.kind, error.detail], ['permission', 'DELETE']);
      s.requests.length = 0;
      await assertKind(client.pods.terminate('key'), 'auth');
      assert.deepEqual(routesOf(s), ['DELETE /pods/key']);
    });
  });

  describe('account', () => {
    it('reads the balance from GraphQL on the same host', async () => {
      const myself = { clientBalance: 12.5, currentSpendPerHr: 0.43, spendLimit: 80 };
      const { restUrl, requests } = await serve(() => ({ json: { data: { myself } } }));
      const balance = await testClient(restUrl).client.balance();
      assert.deepEqual(balance, { balance: 12.5, spendPerHour: 0.43, spendLimit: 80 });
      assert.equal(requests[0]?.path, '/graphql');
      assert.equal(requests[0].headers.authorization, `Bearer ${canaryKey}`);
    });

    it('has no balance when GraphQL fails in any way', async () => {
      const replies: Reply[] = [
        { json: { errors: [{ message: 'Unauthorized' }], data: null } },
        { json: { data: { myself: null } } },
        { status: 410, text: 'gone' },
        { text: '<html>' },
        problem(500, 'broken'),
        problem(429, 'slow down'),
        'destroy',
      ];
      const { restUrl } = await serve((_, count) => replies[count - 1] ?? 'hang');
      const { client, waits } = testClient(restUrl);
      for (const reply of replies) {
        assert.equal(await client.balance(), undefined, JSON.stringify(reply));
      }
      assert.deepEqual(waits, [], 'it is never waited for');
    });

    it('checks a key with one cheap call', async () => {
      const { restUrl, requests } = await serve((_, count) =>
        count === 1 ? { json: { pods: [] } } : problem(401, 'bad'),
      );
      const { client } = testClient(restUrl);
      await client.account.checkKey();
      await assertKind(client.account.checkKey(), 'auth');
      assert.deepEqual(
        requests.map((r) => r.search),
        ['?limit=1', '?limit=1'],
      );
    });
  });

  describe('cancelling', () => {
    it('ends a call that is waiting for an answer, or for the next attempt', async () => {
      const { restUrl, requests } = await serve((r) => (r.path.includes('hang') ? 'hang' : problem(503, 'busy')));
      const client = new RunPodClient({ restUrl, apiKey: canaryKey });
      for (const id of ['hang', 'busy']) {
        const stop = new AbortController();
        const seen = requests.length;
        const call = client.pods.get(id, stop.signal);
        const timer = setInterval(() => requests.length > seen && stop.abort(), 5);
        await assert.rejects(call, CancelledError);
        clearInterval(timer);
      }
      const hung = new AbortController();
      const balance = client.balance(hung.signal);
      hung.abort();
      await assert.rejects(balance, CancelledError);
      await assert.rejects(client.pods.list(AbortSignal.abort()), CancelledError);
    });
  });
});
