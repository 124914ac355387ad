import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { homeFolder } from '../../../src/core/home/folder.ts';
import { openHome } from '../../../src/core/home/installation.ts';
import { keyPairOf, type KeptKey } from '../../../src/core/home/key-pair.ts';
import { isThisMachine, knownMachine, machineId } from '../../../src/core/home/machine.ts';
import { generateKeyPair, type SshKeyPair } from '../../../src/core/ssh/index.ts';
import { importing, inParallel } from '../../support/in-parallel.ts';
import { useTempFolder } from '../../support/temp.ts';

/** A key in the storage of an editor. */
class Kept implements KeptKey {
  pair: SshKeyPair | undefined = generateKeyPair('kept');
  read = (): Promise<SshKeyPair | undefined> => Promise.resolve(this.pair);
  remove = (): Promise<void> => {
    this.pair = undefined;
    return Promise.resolve();
  };
}

describe('a home', () => {
  const folder = useTempFolder();
  const home = (): string => path.join(folder.path, 'home');
  const openers = (count: number, text: string): string[] =>
    Array.from({ length: count }, () => text.replaceAll('HOME', JSON.stringify(home())));

  it('is where the environment says, else in the folder of the user', () => {
    assert.equal(homeFolder({ RUNPOD_TRAINER_HOME: '/h' }), '/h');
    assert.match(homeFolder({}), /\.runpod-trainer$/);
  });

  it('has one key and one machine id for all that are the first at the same time', async () => {
    const text = `${importing('openHome', 'core/home/installation.ts')}
      const two = await Promise.all([openHome(HOME), openHome(HOME)]);
      console.log(JSON.stringify(two.map(({ key, machine }) => ({ key, machine }))));`;
    const told = (await inParallel(...openers(4, text))).flatMap((line) => JSON.parse(line) as object[]);
    const { key, machine } = await openHome(home());
    assert.equal(told.length, 8);
    for (const one of told) {
      assert.deepEqual(one, { key, machine });
    }
    assert.deepEqual(readdirSync(home()).sort(), ['machine.json', 'ssh']);
    assert.equal(statSync(path.join(home(), 'ssh', 'id_ed25519')).mode & 0o777, 0o600);
  });

  it('takes the key of an editor as its own when it has none, once', async () => {
    const kept = new Kept();
    const { pair } = kept;
    const { earlier, ...key } = await keyPairOf(home(), kept);
    assert.deepEqual([key, earlier, kept.pair], [pair, [], undefined]);
    assert.deepEqual(await keyPairOf(home(), kept), { ...pair, earlier: [] });
  });

  it('keeps the key of an editor beside its own when it has one, for the pods that were rented with it', async () => {
    const own = await keyPairOf(home());
    const editors = Array.from({ length: 6 }, () => new Kept());
    const pairs = editors.map((e) => e.pair?.privateKey ?? '');
    for (const editor of editors) {
      await keyPairOf(home(), editor);
      assert.equal(editor.pair, undefined);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { earlier, ...key } = await keyPairOf(home());
    assert.deepEqual({ ...key, earlier: [] }, own);
    assert.deepEqual(earlier, pairs.slice(2).reverse(), 'the newest first, no more than a server takes');
    for (const name of readdirSync(path.join(home(), 'ssh')).filter((n) => !n.endsWith('.pub'))) {
      assert.equal(statSync(path.join(home(), 'ssh', name)).mode & 0o777, 0o600);
    }
  });

  it('loses no key when terminals and windows open it for the first time at the same moment', async () => {
    const pair = generateKeyPair('kept');
    const window = `${importing('keyPairOf', 'core/home/key-pair.ts')}
      const kept = { read: async () => (${JSON.stringify(pair)}), remove: async () => undefined };
      console.log((await keyPairOf(HOME, kept)).privateKey);`;
    const terminal = `${importing('keyPairOf', 'core/home/key-pair.ts')}
      console.log((await keyPairOf(HOME)).privateKey);`;
    const told = await inParallel(...openers(2, window), ...openers(2, terminal));
    const key = await keyPairOf(home());
    assert.deepEqual(
      told.map((text) => text.trim()),
      told.map(() => key.privateKey.trim()),
    );
    assert.ok([key.privateKey, ...(key.earlier ?? [])].includes(pair.privateKey));
  });

  it('says what is wrong when only one half of a key is there', async () => {
    mkdirSync(path.join(home(), 'ssh'), { recursive: true });
    writeFileSync(path.join(home(), 'ssh', 'id_ed25519'), 'half');
    await assert.rejects(keyPairOf(home(), new Kept()), { code: 'ssh-key', message: /one half/ });
  });

  it('makes its machine id anew when that cannot be read, and knows a machine by its host name of before', () => {
    assert.equal(knownMachine(home()), undefined);
    const first = machineId(home());
    assert.equal(machineId(home()), first);
    writeFileSync(path.join(home(), 'machine.json'), '{');
    const second = machineId(home());
    assert.notEqual(second, first);
    assert.match(readFileSync(path.join(home(), 'machine.json'), 'utf8'), new RegExp(second));
    assert.ok(isThisMachine(second, second) && !isThisMachine(first, second));
    writeFileSync(path.join(folder.path, 'file'), '');
    assert.throws(() => machineId(path.join(folder.path, 'file', 'home')), { code: 'home-unwritable' });
  });
});
