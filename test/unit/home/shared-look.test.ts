import assert from 'node:assert/strict';
import { readdir, readFile, stat, utimes, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../../src/core/errors.ts';
import { accountName, SharedLook } from '../../../src/core/home/shared-look.ts';
import { useTempFolder } from '../../support/temp.ts';

const key = 'rpa_CANARY0123456789';
const account = accountName('https://api.example/v2', key);

describe('a question that the programs of one machine ask together (R9.1, R9.6)', () => {
  const temp = useTempFolder();
  const look = (now?: () => number): SharedLook<string[]> =>
    new SharedLook(
      { home: temp.path, account, question: 'pods' },
      (answer) => z.array(z.string()).safeParse(answer).data,
      now,
    );
  const never = (): Promise<string[]> => Promise.reject(new Error('asked again'));

  it('is asked once by twenty that need the answer at the same time', async () => {
    let asked = 0;
    const ask = async (): Promise<string[]> => {
      asked += 1;
      await new Promise((resolve) => setTimeout(resolve, 30));
      return ['pod'];
    };
    const all = await Promise.all(Array.from({ length: 20 }, () => look().get(1_000, ask)));
    assert.equal(asked, 1);
    assert.deepEqual(new Set(all.map(({ value }) => value.join())), new Set(['pod']));
    assert.equal(all.filter((one) => one.asked).length, 1);
  });

  it('is asked again when the answer is too old, or when somebody wants the present', async () => {
    let now = 1_000_000;
    const clock = (): number => now;
    await look(clock).get(20_000, () => Promise.resolve(['old']));
    now += 19_999;
    assert.deepEqual((await look(clock).get(20_000, never)).value, ['old']);
    assert.deepEqual((await look(clock).get(0, () => Promise.resolve(['present']))).value, ['present']);
    now += 20_000;
    assert.deepEqual((await look(clock).get(20_000, () => Promise.resolve(['new']))).value, ['new']);
    now -= 3_600_000;
    assert.deepEqual((await look(clock).get(20_000, () => Promise.resolve(['set back']))).value, ['set back']);
  });

  it('fails for all as it failed for one, and is tried again after a minute', async () => {
    let now = 1_000_000;
    const clock = (): number => now;
    const down = new UserError('runpod-network', { what: 'Could not list pods.', why: 'RunPod does not answer.' });
    await assert.rejects(
      look(clock).get(300_000, () => Promise.reject(down)),
      down,
    );
    await assert.rejects(look(clock).get(300_000, never), { code: 'runpod-network', why: 'RunPod does not answer.' });
    now += 60_000;
    assert.deepEqual((await look(clock).get(300_000, () => Promise.resolve(['up']))).value, ['up']);
  });

  it('leaves a file for its owner alone, which tells no key, and none of accounts of long ago', async () => {
    const folder = join(temp.path, 'looks');
    await mkdir(folder);
    await writeFile(join(folder, 'of-a-sandbox-pods.json'), '{}');
    const old = new Date(Date.now() - 8 * 86_400_000);
    await utimes(join(folder, 'of-a-sandbox-pods.json'), old, old);
    await look().get(0, () => Promise.resolve(['pod']));
    const names = await readdir(folder);
    assert.deepEqual(names, [`${account}-pods.json`]);
    const file = join(folder, names[0] ?? '');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.doesNotMatch(`${names.join()}${await readFile(file, 'utf8')}`, /CANARY/);
  });

  it('is asked by each where the home cannot be written to, and where the file is not one of ours', async () => {
    await writeFile(join(temp.path, 'looks'), 'a file in the place of the folder');
    assert.deepEqual((await look().get(1_000, () => Promise.resolve(['pod']))).value, ['pod']);
  });

  it('is not answered by what does not fit', async () => {
    const file = join(temp.path, 'looks', `${account}-pods.json`);
    for (const text of ['', '{', '[]', JSON.stringify({ schema: 1, at: Date.now(), answer: [1] })]) {
      await mkdir(join(temp.path, 'looks'), { recursive: true });
      await writeFile(file, text);
      assert.deepEqual((await look().get(1_000, () => Promise.resolve(['pod']))).value, ['pod'], text);
    }
  });
});
