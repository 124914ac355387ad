import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashFiles } from '../../../../src/core/files/hash.ts';
import { mayLeave } from '../../../../src/core/files/leaving.ts';
import { installWorker } from '../../../../src/core/pods/install-worker.ts';
import { push } from '../../../../src/core/transport/ssh/push.ts';
import { scan } from '../../../../src/core/files/scan.ts';
import { writeTree } from '../../../support/files.ts';
import { withSmallDisk } from '../../../support/small-disk.ts';
import type { SshSetup } from '../../../support/ssh-session.ts';
import { setUpSsh } from '../../../support/ssh-session.ts';
import { useTempFolder } from '../../../support/temp.ts';

const builder = fileURLToPath(new URL('../../../../gpu-worker/build.py', import.meta.url));

describe('push to a full volume', () => {
  const folder = useTempFolder();
  const at = (name: string): string => path.join(folder.path, name);
  let ssh: SshSetup;
  beforeEach(async () => {
    await mkdir(at('volume'));
    ssh = await setUpSsh(folder.path, { wrapper: withSmallDisk(at('volume')) });
  });
  afterEach(() => ssh.stop());

  it('says so, removes the useless part, and keeps what arrived', async () => {
    const connection = await ssh.connect();
    execFileSync('python3', [builder, at('worker.pyz')]);
    const worker = ['python3', await installWorker(connection, at('volume'), at('worker.pyz'))];
    await writeTree(at('home'), { small: 'x', large: randomBytes(20_000_000) });
    const { files } = await scan(at('home'), { must: ['**'], data: [], optional: [], never: [] });
    const hashed = await mayLeave(await hashFiles(files, at('hashes.json')));
    const root = at('volume/projects/p');
    await assert.rejects(push({ connection, worker, root, files: hashed }), {
      code: 'volume-full',
      message: /The volume is full.*ENOSPC.*enlarge it/s,
    });
    const left = await connection.exec(['find', root, '-type', 'f', '-size', '+1000k']);
    assert.equal(left.stdout.toString(), '');
    assert.equal((await connection.exec(['cat', `${root}/small`])).stdout.toString(), 'x');
    const again = await push({ connection, worker, root, files: hashed.filter((file) => file.path === 'small') });
    assert.equal(again.unchanged, 1);
  });
});
