import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SshError, type SshConnection } from '../../../../src/core/ssh/index.ts';
import type { HashedFile } from '../../../../src/core/files/hash.ts';
import type { TransferProgress } from '../../../../src/core/transport/progress.ts';
import { fetchFiles } from '../../../../src/core/transport/ssh/fetch.ts';
import { hashFiles } from '../../../../src/core/files/hash.ts';
import { mayLeave } from '../../../../src/core/files/leaving.ts';
import { installWorker } from '../../../../src/core/pods/install-worker.ts';
import { push } from '../../../../src/core/transport/ssh/push.ts';
import { scan } from '../../../../src/core/files/scan.ts';
import { lengthOf, merged, readJournal } from '../../../../src/core/files/ranges.ts';
import { writeTree } from '../../../support/files.ts';
import type { SshSetup } from '../../../support/ssh-session.ts';
import { setUpSsh } from '../../../support/ssh-session.ts';
import { useTempFolder } from '../../../support/temp.ts';
import { until } from '../../../support/wait.ts';
import { CuttingRelay } from './cutting-relay.ts';

const builder = fileURLToPath(new URL('../../../../gpu-worker/build.py', import.meta.url));
/** `RUNPOD_TRAINER_CUTS=100` plays the whole series, as docs/reliability.md says; a part of it runs every time. */
const cuts = Number(process.env.RUNPOD_TRAINER_CUTS ?? 20);
const cutsUp = Math.round(cuts * 0.6);
const cutsHome = cuts - cutsUp;
const limits = { streamBelow: 48 * 1024, rangeBytes: 64 * 1024 };

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe(`${cuts} seeded cuts over SSH (R2.5, R2.6)`, () => {
  const folder = useTempFolder();
  const at = (name: string): string => path.join(folder.path, name);
  const root = (): string => at('volume/projects/p');
  let ssh: SshSetup;
  let relay: CuttingRelay;
  let worker: string[];

  beforeEach(async () => {
    ssh = await setUpSsh(folder.path);
    relay = await CuttingRelay.open(ssh.sshd.target.port);
    execFileSync('python3', [builder, at('worker.pyz')]);
    const connection = await ssh.connect();
    worker = ['python3', await installWorker(connection, at('volume'), at('worker.pyz'))];
    connection.close();
    await mkdir(at('home'));
  });
  afterEach(async () => {
    await relay.close();
    await ssh.stop();
  });

  /** Text and noise, small and large; every tree has other content. */
  const tree = (random: () => number): Record<string, Buffer> => {
    const bytes = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, () => random() * 256));
    const files: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      'large/a': bytes(400_000),
      'large/b': bytes(130_000),
    };
    for (let n = 0; n < 25; n += 1) {
      files[`small/${n % 5}/${n}`] =
        n % 2 === 0 ? bytes(random() * 20_000) : Buffer.alloc(random() * 30_000, `text ${random()} `);
    }
    return files;
  };

  const connectThroughRelay = (): Promise<SshConnection> =>
    ssh.connect({ target: { ...ssh.sshd.target, port: relay.port } });

  /** One try over a fresh connection; false when the cut came first. */
  const attempt = async (cutAfter: number, work: (connection: SshConnection) => Promise<unknown>): Promise<boolean> => {
    relay.arm(Infinity);
    const connection = await connectThroughRelay();
    relay.arm(cutAfter);
    try {
      await work(connection);
      return true;
    } catch (error) {
      assert(error instanceof SshError, String(error));
      assert.equal(relay.upward <= cutAfter, true);
      return false;
    } finally {
      connection.close();
      await connection.closed;
    }
  };

  const sha = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
  /** Bytes of the wanted contents that lie whole or in finished ranges in a folder of uploads or parts. */
  const kept = (incoming: string, files: readonly HashedFile[], partOf: (file: HashedFile) => string): number =>
    files.reduce((sum, file) => {
      const whole = path.join(incoming, file.sha256);
      const part = path.join(incoming, partOf(file));
      if (existsSync(whole)) {
        assert.equal(sha(whole), file.sha256);
        return sum + file.size;
      }
      if (!existsSync(part)) {
        return sum;
      }
      const journal = [part.replace(/\.part$/, '.ranges'), `${part}.ranges`].find(existsSync);
      const text = journal === undefined ? '' : readFileSync(journal, 'utf8');
      const ranges = merged(readJournal(text), Math.min(file.size, statSync(part).size));
      const content = readFileSync(file.absolute);
      const there = readFileSync(part);
      for (const [start, end] of ranges) {
        assert(there.subarray(start, end).equals(content.subarray(start, end)), `${file.path} ${start}`);
      }
      return sum + lengthOf(ranges);
    }, 0);

  const settled = (): Promise<unknown> =>
    until('the far end has noticed the cut', async () => !/receive|send/.test((await ps()).join('\n')));
  const ps = async (): Promise<string[]> => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    return lines.filter((line) => line.includes(folder.path) && line.includes('files'));
  };

  it(`${cutsUp} cuts upward: every byte right, and what arrived is never sent again`, async () => {
    const random = seeded(1);
    for (let cuts = 0, number = 0; cuts < cutsUp; number += 1) {
      rmSync(at('home'), { recursive: true });
      await writeTree(at('home'), tree(random));
      const { files } = await scan(at('home'), { must: ['**'], data: [], optional: [], never: [] });
      const hashed = await mayLeave(await hashFiles(files, at('hashes.json')));
      const total = hashed.reduce((sum, file) => sum + file.size, 0);
      const incoming = path.join(root(), '.runpod-trainer/incoming');
      for (let done = false; !done;) {
        await settled();
        const placed = hashed.filter(({ path: name, sha256 }) => {
          const place = path.join(root(), name);
          return existsSync(place) && sha(place) === sha256;
        });
        const open = hashed.filter((file) => !placed.includes(file));
        const left = open.reduce((sum, file) => sum + file.size, 0) - kept(incoming, open, (f) => `${f.sha256}.part`);
        let meant: number | undefined;
        const onProgress = (progress: TransferProgress): void => void (meant = progress.bytesTotal);
        const cutAfter = cuts < cutsUp ? Math.ceil(random() * (left / 2 + 20_000)) : Infinity;
        done = await attempt(cutAfter, (connection) =>
          push({ connection, worker, root: root(), files: hashed, onProgress, ...limits }),
        );
        cuts += done ? 0 : 1;
        // It never sets out to send what lies there.
        assert(meant === undefined || meant === left, `${meant} of ${total}, ${left} are missing`);
      }
      for (const file of hashed) {
        assert.equal(sha(path.join(root(), file.path)), file.sha256, file.path);
      }
      assert.deepEqual(readdirSync(incoming), [], `tree ${number}`);
    }
  }).timeout(180_000);

  it(`${cutsHome} cuts on the way home: every byte right, and what arrived is never fetched again`, async () => {
    const random = seeded(2);
    for (let cuts = 0; cuts < cutsHome;) {
      rmSync(root(), { recursive: true, force: true });
      await writeTree(root(), tree(random));
      const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
      const hashed = await mayLeave(await hashFiles(files, at('hashes.json')));
      const into = at('results');
      rmSync(into, { recursive: true, force: true });
      const incoming = path.join(into, '.runpod-trainer/incoming');
      const partOf = (file: HashedFile): string =>
        `${file.sha256}-${createHash('sha256').update(file.path).digest('hex').slice(0, 16)}.part`;
      for (let done = false; !done;) {
        await settled();
        const open = hashed.filter(({ path: name, sha256 }) => {
          const place = path.join(into, name);
          assert(!existsSync(place) || sha(place) === sha256, `${name} is not whole`);
          return !existsSync(place);
        });
        const left = open.reduce((sum, file) => sum + file.size, 0) - kept(incoming, open, partOf);
        let meant: number | undefined;
        const onProgress = (progress: TransferProgress): void => void (meant = progress.bytesTotal);
        const cutAfter = cuts < cutsHome ? Math.ceil(random() * (left / 2 + 20_000)) : Infinity;
        done = await attempt(cutAfter, (connection) =>
          fetchFiles({ connection, worker, root: root(), patterns: ['**'], into, onProgress, ...limits }),
        );
        cuts += done ? 0 : 1;
        assert(meant === undefined || meant === left, `${meant}, ${left} are missing`);
      }
      assert(!existsSync(path.join(into, '.runpod-trainer')));
    }
  }).timeout(180_000);
});
