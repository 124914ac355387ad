import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SshConnection } from '../../../../src/core/ssh/index.ts';
import { installWorker, workerSomewhere } from '../../../../src/core/pods/install-worker.ts';
import {
  listFolder,
  measurePlace,
  readWhole,
  removePlace,
  type PodWithVolume,
} from '../../../../src/core/volumes/browse/pod-tree.ts';
import { workerFile as built } from '../../../support/installation.ts';
import { withSmallDisk } from '../../../support/small-disk.ts';
import type { SshSetup } from '../../../support/ssh-session.ts';
import { setUpSsh } from '../../../support/ssh-session.ts';
import { useTempFolder } from '../../../support/temp.ts';

describe('files of a volume through a pod that has no worker (R9.1)', () => {
  const folder = useTempFolder();
  const at = (name: string): string => path.join(folder.path, name);
  const place = (below: string): { mount: string; path: string } => ({ mount: at('volume'), path: below });
  let ssh: SshSetup | undefined;

  let workerFile: string;
  beforeEach(async () => {
    // One of its own, so that none is found in the machine's folders.
    workerFile = at('dist/worker.pyz');
    await mkdir(at('dist'));
    await writeFile(workerFile, Buffer.concat([Buffer.from(`# ${folder.path}\n`), await readFile(built)]));
    await copyFile(path.join(path.dirname(built), 'install.py'), at('dist/install.py'));
  });

  async function pod(wrapper?: readonly string[]): Promise<PodWithVolume> {
    await mkdir(at('volume'), { recursive: true });
    await mkdir(at('tmp'), { recursive: true });
    const config = [`SetEnv TMPDIR=${at('tmp')}`];
    ssh = await setUpSsh(folder.path, { config, ...(wrapper !== undefined && { wrapper }) });
    return { connection: await ssh.connect(), workerFile };
  }
  const namesIn = async ({ connection }: PodWithVolume, name: string): Promise<string[]> => {
    const found = await connection.exec(['ls', '-A', at(name)]);
    return found.stdout.toString('utf8').split('\n').filter(Boolean);
  };

  afterEach(() => ssh?.stop());

  it('writes nothing to the volume, and sends the worker once', async () => {
    const here = await pod();
    await writeFile(at('volume/a'), '1');
    const names = async (): Promise<string[]> => (await listFolder(here, place(''))).entries.map((e) => e.name);
    assert.deepEqual(await Promise.all([names(), names(), names()]), [['a'], ['a'], ['a']]);
    assert.deepEqual(await readdir(at('volume')), ['a']);
    const [own = ''] = await readdir(at('tmp'));
    const [file = '', ...others] = await readdir(at(`tmp/${own}`));
    assert.deepEqual(others, []);
    assert.equal((await stat(at(`tmp/${own}`))).mode & 0o777, 0o700);
    const { ino } = await stat(at(`tmp/${own}/${file}`));
    assert.equal((await listFolder({ connection: await ssh!.connect(), workerFile }, place(''))).entries.length, 1);
    assert.equal((await stat(at(`tmp/${own}/${file}`))).ino, ino, 'it was not sent again');
  });

  it('takes no worker that somebody changed, and no folder that others can write to', async () => {
    const { connection } = await pod();
    const place = await workerSomewhere(connection, at('volume'), workerFile);
    await writeFile(place, 'raise SystemExit("changed")');
    assert.equal(await workerSomewhere(connection, at('volume'), workerFile), place);
    assert.deepEqual(await readFile(place), await readFile(workerFile));
    await connection.exec(['chmod', '777', path.dirname(place)]);
    const elsewhere = await workerSomewhere(connection, at('volume'), workerFile);
    assert.notEqual(path.dirname(elsewhere), path.dirname(place));
    await rm(elsewhere);
  });

  it('goes on when the worker on the volume is deleted, also by itself', async () => {
    const here = await pod();
    await installWorker(here.connection, at('volume'), workerFile);
    assert.equal((await listFolder(here, place(''))).entries.length, 1);
    assert.deepEqual(await readdir(at('tmp')), [], 'that of the volume served');
    assert.equal((await removePlace(here, place('.runpod-trainer'))).files, 1);
    assert.deepEqual(await listFolder(here, place('')), { entries: [], more: 0 });
    assert.equal((await readdir(at('tmp'))).length, 1);
  });

  it('makes room on a volume that is full to the last byte', async () => {
    const fill =
      'echo keep > "$0/notes.txt" && mkdir "$0/big" && { cat /dev/zero > "$0/big/zeros" 2>/dev/null || true; }';
    const here = await pod(withSmallDisk(at('volume'), fill));
    const refused = await here.connection.exec(['sh', '-c', `echo more > ${at('volume/more')}`]);
    assert.notEqual(refused.code, 0, 'it is full');
    await here.connection.exec(['rm', '-f', at('volume/more')]);
    assert.deepEqual(
      (await listFolder(here, place(''))).entries.map((e) => e.name),
      ['big', 'notes.txt'],
    );
    assert.equal((await readWhole(here, place('notes.txt'), 10)).toString(), 'keep\n');
    assert.ok((await measurePlace(here, place('big'))).bytes > 7e6);
    assert.equal((await removePlace(here, place('big'))).files, 1);
    assert.deepEqual(await namesIn(here, 'volume'), ['notes.txt']);
    await assert.doesNotReject(installWorker(here.connection, at('volume'), workerFile));
  });

  it('reads a volume that cannot be written to', async () => {
    const freeze = 'echo keep > "$0/notes.txt" && mount -o remount,ro "$0"';
    const here = await pod(withSmallDisk(at('volume'), freeze));
    assert.equal((await readWhole(here, place('notes.txt'), 10)).toString(), 'keep\n');
    await assert.rejects(removePlace(here, place('notes.txt')), { code: 'volume-read', message: /Read-only/ });
  });

  it('goes elsewhere where the disk of the pod is full', async () => {
    const fill = '{ cat /dev/zero > "$0/zeros" 2>/dev/null || true; }';
    const { connection }: { connection: SshConnection } = await pod(withSmallDisk(at('tmp'), fill));
    const found = await workerSomewhere(connection, at('volume'), workerFile);
    assert.ok(!found.startsWith(`${await realpath(at('tmp'))}/`), found);
    assert.equal((await connection.exec(['python3', found, '--version'])).code, 0);
    await rm(found);
  });
});
