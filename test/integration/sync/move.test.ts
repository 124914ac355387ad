import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RunEvent } from '../../../src/core/jobs/progress.ts';
import type { Volume } from '../../../src/core/runpod/schemas.ts';
import { planMove, runMove, type MoveOptions, type MoveRequest, type MoveResult } from '../../../src/core/sync/move.ts';
import { makeImage } from '../../faults/stage.ts';
import { Account } from '../../support/account.ts';
import { until } from '../../support/wait.ts';

const there = 'EU-RO-1';

describe('a volume is moved to another data center (R1.5)', function () {
  this.timeout(120_000);
  let account: Account;
  let folder: string;
  let image: string;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-move-'));
    image = path.join(folder, 'bin');
    mkdirSync(image);
    account = await Account.open({ imagePath: image });
  });
  afterEach(async () => {
    rmSync(path.join(image, 'ssh-keyscan'), { force: true });
    assert.deepEqual(await account.pods(), []);
  });
  after(async () => {
    await account.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const directory = (volume: { id: string }): string => account.sandbox.volumeDirectory(volume.id);

  /** A volume with a project, its records, a job, and everything that a copy could lose. */
  async function filled(name: string, largeBytes = 20_000_000): Promise<Volume> {
    const volume = await account.volume(name);
    const root = directory(volume);
    const project = path.join(root, 'projects', 'rainbow');
    mkdirSync(path.join(project, '.runpod-trainer', 'steps'), { recursive: true });
    mkdirSync(path.join(project, '.runpod-trainer', 'incoming'));
    mkdirSync(path.join(project, 'empty folder'));
    mkdirSync(path.join(root, '.runpod-trainer', 'jobs', 'rainbow-20261122-093012-k3f9'), { recursive: true });
    writeFileSync(path.join(project, '.runpod-trainer', 'files.json'), '{"schema":1,"files":{}}');
    writeFileSync(path.join(project, '.runpod-trainer', 'steps', 'one.json'), '{"fingerprint":"1"}');
    writeFileSync(path.join(project, '.runpod-trainer', 'hashes.json'), '{"schema":1,"files":{}}');
    writeFileSync(path.join(project, '.runpod-trainer', 'incoming', 'half'), 'half');
    writeFileSync(path.join(root, '.runpod-trainer', 'jobs', 'rainbow-20261122-093012-k3f9', 'events.jsonl'), '{}\n');
    writeFileSync(path.join(project, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(path.join(project, 'secret'), 'of the owner', { mode: 0o600 });
    writeFileSync(path.join(project, 'line\nbreak "quoted" ünï.txt'), 'names');
    writeFileSync(path.join(project, 'zero'), '');
    writeFileSync(path.join(project, 'large.bin'), randomBytes(largeBytes));
    writeFileSync(path.join(project, 'copy.sh'), '#!/bin/sh\n');
    for (let i = 0; i < 200; i += 1) writeFileSync(path.join(project, `f${i}.txt`), `file ${i} of ${name}`);
    symlinkSync('run.sh', path.join(project, 'link'));
    symlinkSync('/etc/hostname', path.join(project, 'outside'));
    utimesSync(path.join(project, 'run.sh'), 1_700_000_000, 1_700_000_000);
    return volume;
  }

  /** Every name below a volume with what a copy must keep. */
  function treeOf(volume: { id: string }): string[] {
    const root = directory(volume);
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) =>
        !/^\.runpod-trainer(\/(gateways|moves|worker).*)?$/.test(name) &&
        !/\.runpod-trainer\/(incoming|hashes\.json|files\.lock)/.test(name),
    );
    return names.toSorted().map((name) => {
      const place = path.join(root, name);
      const stats = lstatSync(place);
      if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(place)}`;
      if (stats.isDirectory()) return `${name}/ ${stats.mode & 0o777}`;
      const sha256 = createHash('sha256').update(readFileSync(place)).digest('hex');
      return `${name} ${stats.mode & 0o777} ${stats.mtimeMs} ${sha256}`;
    });
  }

  async function move(
    request: MoveRequest,
    options: Partial<MoveOptions> = {},
  ): Promise<{ result: MoveResult; events: RunEvent[]; target: { id: string } }> {
    const events: RunEvent[] = [];
    const plan = await planMove(account.installation, request);
    const result = await runMove(account.installation, plan, {
      confirm: () => Promise.resolve(true),
      ...options,
      onEvent: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
    });
    assert.ok(result);
    return { result, events, target: result.target };
  }

  /** A program of the pods' image in place of the machine's. */
  function script(name: string, text: string): void {
    const file = path.join(image, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }

  const posts = (): number => account.requests.filter((request) => request.method === 'POST').length;

  it('the plan says the way, both prices, the size, the second volume, and that the first is kept', async () => {
    const volume = await account.volume('planned');
    const before = posts();
    const plan = await planMove(account.installation, { volume: 'planned', to: there });
    assert.equal(posts(), before);
    assert.equal(plan.way, 'pod-to-pod');
    assert.deepEqual(
      plan.pods.map((pod) => [pod.side, pod.dataCenter]),
      [
        ['source', volume.dataCenter],
        ['target', there],
      ],
    );
    assert.ok(plan.pods.every((pod) => (pod.costPerHour ?? 0) > 0));
    assert.equal(plan.size, null);
    assert.equal(plan.storagePerMonth.toFixed(2), '0.70');
    assert.match(plan.notes.join(' '), /is kept as it is until you delete it/);
    assert.deepEqual(
      plan.ways.map(({ way, possible }) => [way, possible]),
      [
        ['pod-to-pod', true],
        ['this-machine', true],
        ['s3', true],
      ],
    );
    await assert.rejects(planMove(account.installation, { volume: 'planned', to: 'planned' }), { code: 'move-same' });
    await assert.rejects(planMove(account.installation, { volume: 'nothing', to: there }), { code: 'volume-missing' });
  });

  for (const way of ['pod-to-pod', 'this-machine'] as const) {
    it(`by ${way}: everything arrives as it was, and the second time nothing is sent`, async () => {
      const volume = await filled(`by ${way}`);
      const before = treeOf(volume);
      const { result, target } = await move({ volume: volume.id, to: there, way });
      assert.deepEqual(treeOf(target), before);
      assert.deepEqual(treeOf(volume), before);
      assert.deepEqual([result.way, result.verified, result.left], [way, 'sha256', []]);
      assert.ok(result.cost > 0 && result.bytes >= 20_000_000);
      assert.match(result.next.join(' '), /"dataCenter": "EU-RO-1"/);
      const again = await move({ volume: volume.id, to: there, way });
      assert.equal(again.target.id, target.id);
      assert.deepEqual(again.result.sent, { files: 0, bytes: 0 });
    });
  }

  it('the key of the move is gone from both pods before they end, and in no argument list', async () => {
    const volume = await filled('keys', 30_000_000);
    let listed = '';
    let during: string[] = [];
    let after: string[] | undefined;
    const keys = (): string[] => [
      ...pidsOf('sshd').flatMap((pid) => namesIn(`/proc/${pid}/root/dev/shm`)),
      ...authorized().filter((line) => line.includes('runpod-trainer-move')),
    ];
    const authorized = (): string[] =>
      pidsOf('sshd').flatMap((pid) => {
        const file = `/proc/${pid}/root/root/.ssh/authorized_keys`;
        return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
      });
    await move(
      { volume: volume.id, to: there, way: 'pod-to-pod' },
      {
        onEvent: (event) => {
          if (event.type === 'transfer' && during.length === 0) {
            listed = execFileSync('ps', ['-axww', '-o', 'args='], { encoding: 'utf8' });
            during = keys();
          }
          if (event.type === 'phase' && event.text === 'Verifying at the target') after = keys();
        },
      },
    );
    assert.ok(during.some((line) => line.startsWith('restrict,command=')));
    assert.ok(during.some((line) => line.startsWith('runpod-trainer-move-')));
    assert.match(listed, /StrictHostKeyChecking=yes/);
    assert.doesNotMatch(listed, /PRIVATE KEY|ssh-ed25519 /);
    assert.deepEqual(after, []);
  });

  it('goes on after the links are cut in the middle, and what arrived is not sent twice', async () => {
    for (const way of ['pod-to-pod', 'this-machine'] as const) {
      const volume = await filled(`cut ${way}`, 120_000_000);
      const before = treeOf(volume);
      let cuts = 0;
      const seen: RunEvent[] = [];
      const { result, events, target } = await move(
        { volume: volume.id, to: there, way },
        {
          onEvent: (event) => {
            seen.push(event);
            if (event.type === 'transfer' && event.bytes > 40_000_000 && cuts === 0) {
              cuts += 1;
              for (const pod of rented(seen)) {
                account.sandbox.link(pod).cut();
                account.sandbox.link(pod).restore();
              }
            }
          },
        },
      );
      assert.equal(cuts, 1);
      assert.ok(events.some((event) => event.type === 'link' && event.state === 'lost'));
      assert.deepEqual(treeOf(target), before);
      // A piece is at most 16 MiB; what was acknowledged does not go again.
      assert.ok(result.sent.bytes < 121_000_000 + 2 * 16 * 1024 * 1024, `${result.sent.bytes}`);
    }
  });

  it('through this machine when the source cannot reach the target, and says so', async () => {
    const volume = await filled('apart');
    const before = treeOf(volume);
    // A pod whose network lets no SSH out.
    script('ssh-keyscan', 'exit 1');
    const only = move({ volume: volume.id, to: there, way: 'pod-to-pod' });
    await assert.rejects(only, { code: 'move-unreachable' });
    const { result, events, target } = await move({ volume: volume.id, to: there });
    assert.equal(result.way, 'this-machine');
    assert.ok(events.some((event) => event.type === 'warning' && event.text.includes('cannot reach each other')));
    assert.deepEqual(treeOf(target), before);
  });

  it('not pod to pod when another machine answers in the place of the target', async () => {
    const volume = await filled('stranger');
    const stranger = execFileSync(
      'sh',
      ['-c', 'ssh-keygen -q -t ed25519 -N "" -f "$0" && cat "$0.pub"', path.join(folder, 'key')],
      {
        encoding: 'utf8',
      },
    );
    script('ssh-keyscan', `echo 'host ${stranger.split(' ').slice(0, 2).join(' ')}'`);
    const { result, events } = await move({ volume: volume.id, to: there });
    assert.equal(result.way, 'this-machine');
    assert.ok(events.some((event) => event.type === 'warning' && event.text.includes('another machine')));
  });

  it('rents nothing when the user says no, and nothing on one side while there is nothing on the other', async () => {
    const volume = await filled('alone', 1000);
    const plan = await planMove(account.installation, { volume: volume.id, to: there });
    const before = posts();
    const refused = { confirm: () => Promise.resolve(false), onEvent: () => undefined };
    assert.equal(await runMove(account.installation, plan, refused), undefined);
    account.sandbox.stock.set({ dataCenter: there }, 'NONE');
    try {
      const agreed = { confirm: () => Promise.resolve(true), onEvent: () => undefined };
      await assert.rejects(runMove(account.installation, plan, agreed), { code: 'no-gateway' });
      assert.equal(posts(), before);
      const { installation } = account;
      const blind = { ...installation, s3: undefined };
      await assert.rejects(planMove(blind, { volume: volume.id, to: there }), { code: 'no-gateway' });
      assert.equal((await planMove(installation, { volume: volume.id, to: there })).way, 's3');
    } finally {
      account.sandbox.stock.allow();
      account.sandbox.stock.set({ dataCenter: there }, 'HIGH');
    }
  });

  it('leaves no pod when it is cancelled while it sends, and when one side is refused a pod', async () => {
    const volume = await filled('cancelled', 60_000_000);
    const stop = new AbortController();
    const plan = await planMove(account.installation, { volume: volume.id, to: there });
    const cancelled = runMove(account.installation, plan, {
      confirm: () => Promise.resolve(true),
      onEvent: (event) => {
        if (event.type === 'transfer') stop.abort();
      },
      signal: stop.signal,
    });
    await assert.rejects(cancelled, { name: 'CancelledError' });
    assert.deepEqual(await account.pods(), []);
    // The catalog has stock, and RunPod refuses all the same.
    account.sandbox.stock.refuse({ dataCenter: there });
    await assert.rejects(move({ volume: volume.id, to: there }), { code: 'no-stock' });
    assert.deepEqual(await account.pods(), []);
    account.sandbox.stock.allow();
    const { target } = await move({ volume: volume.id, to: there });
    assert.deepEqual(treeOf(target), treeOf(volume));
  });

  it('never replaces what somebody else wrote at the target, unless told to', async () => {
    const volume = await filled('taken', 1000);
    const target = await account.volume('other', there);
    const place = path.join(directory(target), 'projects', 'rainbow', 'run.sh');
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, 'mine');
    await assert.rejects(move({ volume: volume.id, to: target.id }), { code: 'move-conflicts', message: /run\.sh/ });
    assert.equal(readFileSync(place, 'utf8'), 'mine');
    await move({ volume: volume.id, to: target.id }, { replace: true });
    assert.deepEqual(treeOf(target), treeOf(volume));
  });

  it('sends what changed since, and a change while it moves is found', async () => {
    const volume = await filled('changing', 1000);
    const { target } = await move({ volume: volume.id, to: there });
    const changed = path.join(directory(volume), 'projects', 'rainbow', 'f7.txt');
    writeFileSync(changed, 'changed');
    const { result } = await move({ volume: volume.id, to: there });
    assert.deepEqual(result.sent, { files: 1, bytes: 7 });
    assert.deepEqual(treeOf(target), treeOf(volume));
    const writing = move(
      { volume: volume.id, to: there },
      {
        onEvent: (event) =>
          event.type === 'phase' && event.text === 'Comparing both volumes' && writeFileSync(changed, 'again'),
      },
    );
    await assert.rejects(writing, { code: 'move-differs', message: /f7\.txt/ });
  });

  it('over S3 on both sides: no pod, the records know the new times, and the second time nothing is sent', async () => {
    const volume = await filled('objects');
    const manifest = path.join(directory(volume), 'projects', 'rainbow', '.runpod-trainer', 'files.json');
    const old = { size: 10, sha256: 'a'.repeat(64), mtime: '2020-01-01T00:00:00.000Z' };
    writeFileSync(manifest, JSON.stringify({ schema: 1, files: { 'run.sh': old } }));
    const { result, target } = await move({ volume: volume.id, to: there, way: 's3' });
    assert.deepEqual([result.way, result.verified, result.left, result.cost], ['s3', 'size', [], 0]);
    const large = (v: { id: string }): Buffer => readFileSync(path.join(directory(v), 'projects/rainbow/large.bin'));
    assert.ok(large(volume).equals(large(target)));
    const moved = JSON.parse(
      readFileSync(path.join(directory(target), 'projects', 'rainbow', '.runpod-trainer', 'files.json'), 'utf8'),
    ) as { files: Record<string, { mtime: string }> };
    const run = lstatSync(path.join(directory(target), 'projects', 'rainbow', 'run.sh'));
    assert.equal(Date.parse(moved.files['run.sh']?.mtime ?? ''), Math.floor(run.mtimeMs / 1000) * 1000);
    assert.ok(!existsSync(path.join(directory(target), 'projects', 'rainbow', '.runpod-trainer', 'hashes.json')));
    const again = await move({ volume: volume.id, to: there, way: 's3' });
    assert.deepEqual(again.result.sent, { files: 0, bytes: 0 });
  });
});

describe('a move whose client is killed (R1.5)', function () {
  this.timeout(120_000);

  it('leaves no pod: both end themselves', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-move-'));
    // The guards' minutes are short there.
    const account = await Account.open({ imagePath: makeImage(folder) });
    const volume = await account.volume('killed');
    const target = await account.volume('killed', there);
    const client = spawn(process.execPath, [path.join(import.meta.dirname, 'killed-move.ts')], {
      env: {
        PATH: process.env.PATH,
        REST_URL: account.sandbox.restUrl,
        API_KEY: account.sandbox.key,
        HOME_FOLDER: path.join(folder, 'killed'),
        WORKER: account.installation.workerFile,
        SOURCE: volume.id,
        TARGET: target.id,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    client.stdout.on('data', (data: Buffer) => (said += data.toString()));
    await until('the move is at work', () => said.includes('at work'), 60_000);
    client.kill('SIGKILL');
    assert.equal((await account.pods()).length, 2);
    await until('both pods are gone', async () => (await account.pods()).length === 0, 60_000);
    await account.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

function rented(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'pod' ? [event.podId] : []));
}

function pidsOf(program: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program;
      } catch {
        return false;
      }
    })
    .map(Number);
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(place).filter((name) => name.startsWith('runpod-trainer-move'));
  } catch {
    return [];
  }
}
