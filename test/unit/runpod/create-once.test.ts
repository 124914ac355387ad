import assert from 'node:assert/strict';
import { CancelledError } from '../../../src/core/errors.ts';
import {
  assertKind,
  failure,
  podJson,
  problem,
  routesOf,
  testClient,
  useApiServers,
  volumeJson,
} from './api-server.ts';

describe('RunPod client', () => {
  const serve = useApiServers();

  describe('a creation whose answer is lost', () => {
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
      assert.equal(routesOf(s).filter((line) => line.startsWith('GET')).length, 4);
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
      assert.deepEqual(routesOf(s), ['POST /pods']);
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
      assert.deepEqual(routesOf(s), ['POST /pods', 'DELETE /pods/unwanted']);
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
});
