import assert from 'node:assert/strict';
import { CancelledError } from '../../../src/core/errors.ts';
import { isApiError, type ApiError, type ApiErrorKind } from '../../../src/core/runpod/api-error.ts';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import {
  canaryKey,
  podJson,
  problem,
  startApiServer,
  testClient,
  volumeJson,
  type ApiServer,
  type RecordedRequest,
  type Reply,
} from './api-server.ts';

let server: ApiServer | undefined;

async function serve(answer: (request: RecordedRequest, count: number) => Reply): Promise<ApiServer> {
  server = await startApiServer(answer);
  return server;
}

/** The ApiError that a call ends with. */
async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await promise.then(
    () => assert.fail('The call succeeded.'),
    (e: unknown) => e,
  );
  assert.ok(isApiError(error), String(error));
  return error;
}

async function assertKind(promise: Promise<unknown>, kind: ApiErrorKind): Promise<void> {
  assert.equal((await failure(promise)).kind, kind);
}

const lines = (s: ApiServer) => s.requests.map((r) => `${r.method} ${r.path.replace('/v2', '')}`);

afterEach(async () => {
  await server?.close();
  server = undefined;
});

describe('RunPod client: pagination', () => {
  it('follows hasNextPage through short and empty pages, and returns a pod once', async () => {
    const pages: Record<string, object> = {
      '': { pods: [podJson({ id: 'a' }), podJson({ id: 'b' })], pagination: { nextCursor: 'x+/=', hasNextPage: true } },
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

describe('RunPod client: repeating', () => {
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
    const { restUrl } = await serve((r) => (r.method === 'DELETE' ? { status: 204 } : { json: { pods: [] }, headers }));
    const { client, waits } = testClient(restUrl, { now: () => 0 });
    await client.pods.list();
    await client.pods.terminate('x');
    assert.deepEqual(waits, []);
    await client.pods.list();
    assert.deepEqual(waits, [12_000]);
  });

  it('reports an unreachable host as network, a silent one as timeout', async () => {
    const s = await serve(() => 'hang');
    const error = await failure(testClient(s.restUrl, { timeoutMs: 50, retries: { attempts: 2 } }).client.pods.list());
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

describe('RunPod client: terminate and delete', () => {
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
      assert.equal(lines(s).at(-1), 'POST /pods/x/action');
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
    assert.deepEqual(lines(s), ['DELETE /pods/key']);
  });
});

describe('RunPod client: a creation whose answer is lost', () => {
  const request = { name: 'trainer-a', image: 'busybox', gpu: { id: 'NVIDIA L4' } };

  /** A platform on which each POST does what `fate` says; `lost` creates the pod and cuts the connection. */
  async function platform(fates: ('lost' | 'nothing' | '502' | 'made' | 'refused')[], appearsAfterLists = 0) {
    const pods: object[] = [];
    let posts = 0;
    let lists = 0;
    const s = await serve((r) => {
      if (r.method === 'POST' && r.path === '/v2/pods') {
        posts += 1;
        const fate = fates[posts - 1] ?? 'refused';
        if (fate === 'refused') {
          return problem(400, 'There are no longer any instances available with the requested specifications.');
        }
        if (fate !== 'nothing') {
          pods.push(podJson({ id: `pod${posts}` }));
        }
        return fate === 'made'
          ? { status: 201, json: pods.at(-1) }
          : fate === '502'
            ? problem(502, 'bad gateway')
            : 'destroy';
      }
      if (r.method === 'DELETE') {
        pods.splice(
          pods.findIndex((p) => r.path.endsWith((p as { id: string }).id)),
          1,
        );
        return { status: 204 };
      }
      lists += 1;
      return { json: { pods: lists > appearsAfterLists ? [...pods, podJson({ id: 'other', name: 'other' })] : [] } };
    });
    return { s, pods, posts: () => posts };
  }

  for (const fate of ['lost', '502'] as const) {
    it(`finds the pod by its name after ${fate}, and creates no second one`, async () => {
      const { s, posts } = await platform([fate], 1);
      assert.equal((await testClient(s.restUrl).client.pods.create(request)).id, 'pod1');
      assert.equal(posts(), 1);
    });
  }

  it('tries once more after looking when nothing was created', async () => {
    const { s, pods } = await platform(['nothing', 'made']);
    assert.equal((await testClient(s.restUrl).client.pods.create(request)).id, 'pod2');
    assert.equal(pods.length, 1);
    assert.equal(lines(s).filter((line) => line.startsWith('GET')).length, 4);
  });

  it('terminates the copy when the first pod shows up after the second was made', async () => {
    const { s, pods } = await platform(['lost', 'made'], 3);
    assert.equal((await testClient(s.restUrl).client.pods.create(request)).id, 'pod2');
    assert.deepEqual(
      pods.map((p) => (p as { id: string }).id),
      ['pod2'],
    );
  });

  it('returns the first pod when it shows up after the second attempt was refused', async () => {
    const { s } = await platform(['lost', 'refused'], 3);
    assert.equal((await testClient(s.restUrl).client.pods.create(request)).id, 'pod1');
  });

  it('says that it does not know when it cannot look', async () => {
    const { restUrl, requests } = await serve((r) => (r.method === 'POST' ? 'destroy' : problem(403, 'no list')));
    const error = await failure(testClient(restUrl).client.pods.create(request));
    assert.deepEqual([error.kind, error.ambiguous], ['network', true]);
    assert.equal(requests.filter((r) => r.method === 'POST').length, 1);
  });

  it('does not look after a refusal', async () => {
    const { s } = await platform(['refused']);
    await assertKind(testClient(s.restUrl).client.pods.create(request), 'no-capacity');
    assert.deepEqual(lines(s), ['POST /pods']);
  });

  it('repeats freely what never left, and is in no doubt about it', async () => {
    const s = await serve(() => 'hang');
    await s.close();
    const { client, waits } = testClient(s.restUrl);
    const error = await failure(client.pods.create(request));
    assert.deepEqual([error.kind, error.ambiguous, waits.length], ['network', false, 4]);
  });

  it('terminates what a cancelled creation made', async () => {
    const stop = new AbortController();
    const s = await serve((r) => {
      if (r.method === 'POST') {
        stop.abort();
        return { status: 201, json: podJson({ id: 'unwanted' }) };
      }
      return { status: 204 };
    });
    await assert.rejects(testClient(s.restUrl).client.pods.create(request, stop.signal), CancelledError);
    assert.deepEqual(lines(s), ['POST /pods', 'DELETE /pods/unwanted']);
    await assert.rejects(testClient(s.restUrl).client.pods.create(request, stop.signal), CancelledError);
    assert.equal(s.requests.length, 2, 'nothing is sent once it is cancelled');
  });

  it('takes no older volume of the same name for the new one', async () => {
    const older = volumeJson;
    const made = { ...volumeJson, id: 'vol2' };
    let posted = false;
    const { restUrl } = await serve((r) => {
      if (r.method === 'POST') {
        posted = true;
        return 'destroy';
      }
      return { json: { networkVolumes: posted ? [older, made] : [older] } };
    });
    const request = { name: 'songs', size: 50, dataCenter: 'EU-RO-1' };
    assert.equal((await testClient(restUrl).client.volumes.create(request)).id, 'vol2');
  });
});

describe('RunPod client: account', () => {
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

describe('RunPod client: cancelling', () => {
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
