import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../../support/files.ts';
import { until } from '../../support/wait.ts';
import { nothingRuns, keeperOf, workerOf, World, type Cli } from '../jobs/harness.ts';
import { TestProject, untilGo } from '../jobs/projects.ts';

const secret = 'trainer_end_key';

describe('a restricted key of the user ends the pod where RunPod refuses its own (R4.3)', function () {
  this.timeout(120_000);
  let world: World;
  let key: string;
  const env = { RUNPOD_TRAINER_END_KEY_SECRET: secret };

  before(async () => {
    world = await World.open({ podKeyRights: 'none' });
    key = world.sandbox.restrictedKey();
    const made = await ask('/account/secrets', { name: secret, value: key });
    assert.equal(made.status, 201);
  });
  after(() => world.close());

  function ask(route: string, body?: object): Promise<Response> {
    return fetch(`${world.sandbox.restUrl}${route}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${world.sandbox.key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** Kills the client as soon as the job has started and was told about. */
  async function startAndKill(cli: Cli): Promise<{ job: string; podId: string; promised: string }> {
    await cli.says('"type":"job.started"');
    cli.signal('SIGKILL');
    await cli.ended;
    const [record] = world.records();
    assert.ok(record?.pod);
    return { job: record.job, podId: record.pod.id, promised: record.cap?.text ?? '' };
  }

  const gone = (podId: string): Promise<unknown> =>
    until(`${podId} is gone`, async () => (await world.pods()).every((pod) => pod.id !== podId), 90_000);

  const callsFor = (podId: string, caller: string): number =>
    world.requests.filter((r) => r.caller === caller && r.path.startsWith(`/v2/pods/${podId}`)).length;

  for (const { name, shell, caps, says } of [
    { name: 'finishes', shell: 'sleep 1; echo done', caps: {}, says: /its pod ends itself when the job ends/ },
    {
      name: 'capped',
      shell: 'while true; do sleep 1; echo on; done',
      caps: { hours: 0.002 },
      says: /^It will have stopped by \d\d:\d\d, for at most \$[\d.]+, also while this computer is off\./,
    },
  ]) {
    it(`a job that is ${name} ends with its pod after its client was killed`, async () => {
      const project = new TestProject(world.folder, { name, steps: [{ name: 'only', shell }], caps });
      const { job, podId, promised } = await startAndKill(
        world.start(['run', project.file, '--yes', '--json', '--no-check'], env),
      );
      assert.match(promised, says);
      assert.match(
        promised,
        /The keeper on the pod ends it with the key of your secret\. RunPod refuses the pod's own key \(403/,
      );
      assert.equal(world.record(job).cap?.armed, true);
      await gone(podId);
      assert.ok(callsFor(podId, podId) > 0, 'its own key was tried first');
      assert.ok(callsFor(podId, 'restricted') > 1);
      await nothingRuns(job);
    });
  }

  it('a client that is killed before the job has begun: the guard has the key as well', async () => {
    const project = new TestProject(
      world.folder,
      { name: 'uploads', steps: [{ name: 'only', shell: 'true' }], caps: { dollars: 0.0005 } },
      { 'code.txt': 'x'.repeat(150_000_000) },
    );
    const cli = world.start(['run', project.file, '--yes', '--json', '--no-check'], env);
    await cli.says('"type":"transfer"');
    cli.signal('SIGKILL');
    await cli.ended;
    const record = world.records().find((r) => r.project === 'uploads');
    assert.ok(record?.pod);
    await gone(record.pod.id);
    assert.ok(callsFor(record.pod.id, 'restricted') > 0);
  });

  it('rule 11: the key is in no list of pods, argument, environment of a step or worker, log, event or file', async () => {
    const project = new TestProject(world.folder, {
      name: 'canary',
      steps: [
        { name: 'shows', shell: 'env > env.txt; env; cat /proc/self/environ | tr "\\0" "\\n"' },
        // What code that runs as root on a pod could find is not shown either.
        { name: 'finds', shell: `tr "\\0" "\\n" < /proc/1/environ | grep -a END_KEY || true; ${untilGo}` },
      ],
      onFinish: { fetch: ['*.txt'] },
      caps: { hours: 1 },
    });
    const cli = world.start(['run', project.file, '--yes', '--json'], env);
    await cli.says('line 50');
    const [record] = world.records();
    assert.ok(record?.pod);
    const listed = await (await ask('/pods')).text();
    assert.ok(listed.includes(`"RUNPOD_TRAINER_END_KEY":"{{ RUNPOD_SECRET_${secret} }}"`));
    assert.ok(!listed.includes(key) && !listed.includes(world.sandbox.key));
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      assert.ok(!read(`/proc/${pid}/cmdline`).includes(key), read(`/proc/${pid}/cmdline`));
    }
    for (const seen of [workerOf(record.job), keeperOf(record.pod.id)]) {
      assert.ok(seen !== undefined && !read(`/proc/${seen.pid}/environ`).includes(key), seen?.args);
    }
    writeFileSync(path.join(await world.volume('tests'), 'projects', 'canary', 'go'), '');
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 0, stderr);
    assert.ok(!`${stdout}${stderr}`.includes(key));
    if (world.sandbox.isolation === 'namespace') {
      assert.match(stdout, /RUNPOD_TRAINER_END_KEY=\[secret\]/, 'it was there to be found');
    }
    assert.match(read(path.join(world.record(record.job).root, 'runpod-results', record.job, 'env.txt')), /^PATH=/m);
    for (const file of filesBelow(world.folder)) {
      // Where RunPod itself keeps it: the account, and the file in which its images note the variables of a pod.
      if (!file.endsWith(path.join('sandbox', 'account.json')) && !file.endsWith('rp_environment')) {
        assert.ok(!read(file).includes(key), file);
      }
    }
  });

  it('says how to make a key where there is none, and names a secret that does not exist', async () => {
    const project = new TestProject(world.folder, { name: 'told', steps: [{ name: 'only', shell: 'true' }], caps: {} });
    const text = async (more: NodeJS.ProcessEnv): Promise<string> => {
      const { told } = await world.runJson(['run', project.file, '--yes', '--no-check'], more);
      return String(told.find((t) => /No cap holds/.test(String(t.text)))?.text);
    };
    assert.match(
      await text({}),
      /RunPod refuses the pod's own key .*make a restricted key in the RunPod console.*the name of that secret/,
    );
    const misspelt = await text({ RUNPOD_TRAINER_END_KEY_SECRET: 'trainer_end_kye' });
    assert.match(misspelt, /refuses the pod's own key .*, and the secret trainer_end_kye does not exist/);
    assert.doesNotMatch(misspelt, /make a restricted key/);
    const asked = world.podsAsked();
    const wrong = await world.run(['run', project.file, '--yes', '--no-check'], {
      RUNPOD_TRAINER_END_KEY_SECRET: 'runpod_key',
    });
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.stderr,
      /"runpod_key" cannot be the name of a secret.*name of the secret, never the key itself.*\n.*export RUNPOD_TRAINER_END_KEY_SECRET=<name>/s,
    );
    assert.equal(world.podsAsked(), asked);
  });

  it('a restricted key may do nothing but read and write pods', async () => {
    const as = async (route: string, method = 'GET'): Promise<number> =>
      (await fetch(`${world.sandbox.restUrl}${route}`, { method, headers: { authorization: `Bearer ${key}` } })).status;
    assert.equal(await as('/pods'), 200);
    assert.equal(await as('/pods/none', 'DELETE'), 404);
    for (const route of ['/account/secrets', '/account/ssh-keys', '/network-volumes', '/billing', '/catalog/gpus']) {
      assert.equal(await as(route), 403, route);
    }
    const balance = await fetch(world.sandbox.graphqlUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'query { myself { clientBalance } }' }),
    });
    assert.match(await balance.text(), /Unauthorized/);
  });
});

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // A process that ended, or a file that was removed meanwhile.
    return '';
  }
}
