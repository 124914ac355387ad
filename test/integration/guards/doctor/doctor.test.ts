import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkIds } from '../../../../src/core/guards/doctor/check.ts';
import { CancelledError } from '../../../../src/core/errors.ts';
import { pinIdOf } from '../../../../src/core/pods/ready.ts';
import { RunPodClient } from '../../../../src/core/runpod/client.ts';
import { FileHostKeys, generateKeyPair } from '../../../../src/core/ssh/index.ts';
import { freePort } from '../../../support/sshd.ts';
import { until } from '../../../support/wait.ts';
import { Clinic, examineAll, type Checks } from './setup.ts';

const gpu = { id: 'NVIDIA GeForce RTX 4090' };

/** The one check that failed, with a remedy; what needs it is skipped. */
function onlyFailure(checks: Checks, id: (typeof checkIds)[number], seen: RegExp, remedy: RegExp): void {
  assert.deepEqual(checks.with('failed'), [id], JSON.stringify(checks.all, null, 1));
  const check = checks.get(id);
  assert.match(check.seen, seen);
  assert.match(check.next ?? '', remedy);
}

describe('connection doctor (R9.8)', () => {
  let clinic: Clinic;
  let image = '';

  before(async () => {
    image = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-image-'));
    clinic = await Clinic.open({ imagePath: image });
  });
  after(async () => {
    await clinic.close();
    rmSync(image, { recursive: true, force: true });
  });
  afterEach(async () => {
    const { pods } = clinic.installation.client;
    for (const pod of await pods.list()) {
      await pods.terminate(pod.id);
    }
    for (const name of readdirSync(image)) {
      rmSync(path.join(image, name));
    }
  });

  /** A program of the pods' image. */
  function program(name: string, script: string): void {
    writeFileSync(path.join(image, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(image, name), 0o755);
  }

  it('finds nothing wrong with a sound CPU pod, in the order of the way, and leaves nothing on the volume', async () => {
    const pod = await clinic.booted();
    const checks = await clinic.examine({ pod: pod.id });
    assert.deepEqual(
      checks.all.map((c) => c.id),
      [...checkIds],
    );
    assert.deepEqual(checks.with('failed'), [], JSON.stringify(checks.all, null, 1));
    assert.deepEqual(checks.with('skipped'), ['gpu']);
    assert.deepEqual(checks.with('unknown'), ['volume']);
    assert.match(checks.get('volume').seen, /takes writes; .* df shows the whole cluster/);
    assert.match(checks.get('tcp').seen, /SSH-2\.0-/);
    assert.match(checks.get('host-key').seen, /SHA256:\S+, as the pod printed at boot/);
    assert.match(checks.get('forward').seen, /SSH-2\.0-/);
    assert.match(checks.get('python').seen, /^3\.\d+/);
    assert.ok(checks.all.every((c) => c.ms >= 0 && (c.status !== 'ok' || c.next === undefined)));
    const volume = clinic.sandbox.volumeDirectory(pod.mounts.network[0]?.volumeId ?? '');
    assert.deepEqual(readdirSync(path.join(volume, '.runpod-trainer')), []);
  });

  it('finds a pod by its name, and checks the key alone when there is no pod', async () => {
    await clinic.booted();
    assert.deepEqual((await clinic.examine({ pod: 'rpt-doctor' })).with('failed'), []);
    const alone = await clinic.examine(undefined);
    assert.deepEqual(alone.with('ok'), ['key']);
    assert.deepEqual(alone.with('failed'), []);
  });

  it('a wrong API key', async () => {
    const client = new RunPodClient({ restUrl: clinic.sandbox.restUrl, apiKey: 'rpa_WRONG' });
    const checks = await clinic.examine({ pod: 'any' }, { client });
    onlyFailure(checks, 'key', /does not accept the API key/, /API Keys in the RunPod console/);
    assert.equal(checks.with('skipped').length, checkIds.length - 1);
  });

  it('a pod that is gone', async () => {
    const pod = await clinic.booted();
    await clinic.installation.client.pods.terminate(pod.id);
    onlyFailure(await clinic.examine({ pod: pod.id }), 'pod', /was terminated/, /bring it home/);
  });

  it('a pod that is stopped', async () => {
    const pod = await clinic.booted();
    await clinic.installation.client.pods.action(pod.id, 'stop');
    onlyFailure(await clinic.examine({ pod: pod.id }), 'pod', /is exited/, /Run the job again/);
  });

  it('port 22/tcp that was not declared', async () => {
    const pod = await clinic.booted({ ports: ['8888/http'] });
    onlyFailure(
      await clinic.examine({ pod: pod.id }),
      'port',
      /declares 8888\/http, not 22\/tcp/,
      /Create the pod with 22\/tcp/,
    );
  });

  it('port 22/tcp that is declared and not mapped yet', async () => {
    const slow = await Clinic.open({ delays: { ports: 600_000 } });
    try {
      const { id } = await slow.create();
      await until('RUNNING', async () => (await slow.installation.client.pods.get(id)).status === 'RUNNING');
      onlyFailure(await slow.examine({ pod: id }), 'port', /mapped it to no public address/, /After 6 minutes/);
    } finally {
      await slow.close();
    }
  });

  it('a pod without PUBLIC_KEY, which has no sshd', async () => {
    const pod = await clinic.booted({ env: {} });
    onlyFailure(
      await clinic.examine({ pod: pod.id }),
      'tcp',
      /no SSH server answers/,
      /created without PUBLIC_KEY.*registered in the account make no difference/,
    );
  });

  it('a start command that replaces the one with sshd', async () => {
    const pod = await clinic.booted({ cmd: ['sleep', '600'] });
    onlyFailure(await clinic.examine({ pod: pod.id }), 'tcp', /no SSH server/, /start command of its own.*\/start\.sh/);
  });

  it('SSH key not recognised: the pod has the key of another installation', async () => {
    const pod = await clinic.booted({ env: { PUBLIC_KEY: generateKeyPair('other').publicKey } });
    onlyFailure(
      await clinic.examine({ pod: pod.id }),
      'login',
      /SSH key not recognised for \S+\. PUBLIC_KEY of the pod is another key/,
      /Use the machine .*registered in the account make no difference/,
    );
  });

  it('SSH key not recognised: PUBLIC_KEY with Windows line ends', async () => {
    const other = generateKeyPair('other').publicKey;
    const pod = await clinic.booted({ env: { PUBLIC_KEY: `${other}\r\n` } });
    onlyFailure(await clinic.examine({ pod: pod.id }), 'login', /CRLF/, /one line that ends in LF/);
  });

  it('a host key that changed within one start: nothing is sent to it', async () => {
    const pod = await clinic.booted();
    const hostKeys = new FileHostKeys(path.join(clinic.folder, 'other-host-keys.json'));
    await hostKeys.pin(pinIdOf(pod), `SHA256:${'A'.repeat(43)}`);
    const checks = await clinic.examine({ pod: pod.id }, { hostKeys });
    onlyFailure(checks, 'host-key', /it was SHA256:A+ and now it is SHA256:/, /Nothing was sent to it/);
    assert.equal(checks.get('login').status, 'skipped');
  });

  it('a GPU pod without nvidia-smi, with it, and with fewer GPUs than it is paid for', async () => {
    const pod = await clinic.booted({ gpu });
    const tell = async (): Promise<Checks> => clinic.examine({ pod: pod.id });
    program('nvidia-smi', 'exit 127');
    onlyFailure(await tell(), 'gpu', /nvidia-smi is missing on a pod with NVIDIA/, /another host/);
    program('nvidia-smi', 'echo "NVIDIA GeForce RTX 4090, 570.124.06"');
    assert.equal((await tell()).get('gpu').seen, 'NVIDIA GeForce RTX 4090, driver 570.124.06');
    program('nvidia-smi', 'exit 0');
    onlyFailure(await tell(), 'gpu', /0 of 1 GPUs/, /stopped pod that was started again/);
  });

  it('an old Python, none, and a clock that is wrong', async () => {
    const pod = await clinic.booted();
    program('python3', 'echo 3.8.10');
    program('date', 'echo $(($(/bin/date +%s) - 300))');
    const checks = await clinic.examine({ pod: pod.id });
    assert.deepEqual(checks.with('failed'), ['python', 'clock']);
    assert.match(checks.get('python').seen, /3\.8\.10/);
    assert.match(checks.get('clock').seen, /(299|300|301) s behind this machine/);
    assert.match(checks.get('clock').next ?? '', /network time/);
    program('python3', 'exit 127');
    assert.match((await clinic.examine({ pod: pod.id })).get('python').seen, /does not run \(code 127\)/);
  });

  it('a pod without a volume', async () => {
    const pod = await clinic.booted({ mounts: undefined });
    onlyFailure(await clinic.examine({ pod: pod.id }), 'volume', /no network volume/, /only when a pod is created/);
  });

  it('an API that does not answer, told within the limit of the check', async () => {
    const restUrl = `http://127.0.0.1:${await freePort()}/v2`;
    const client = new RunPodClient({ restUrl, apiKey: 'rpa_X' }, { retries: { attempts: 1 } });
    const checks = await clinic.examine({ pod: 'any' }, { client, restUrl });
    onlyFailure(checks, 'key', /could not be reached/, /internet connection/);
  });

  it('can be cancelled between and within checks', async () => {
    const pod = await clinic.booted();
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(examineAll(clinic.installation, { pod: pod.id }, stop.signal), CancelledError);
    program('date', 'sleep 600');
    const during = new AbortController();
    setTimeout(() => during.abort(), 1500);
    await assert.rejects(examineAll(clinic.installation, { pod: pod.id }, during.signal), CancelledError);
  });
});
