import assert from 'node:assert/strict';
import { cpSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { World, type Ended } from './harness.ts';
import { TestProject } from './projects.ts';

describe('a project of the same name from another folder (R2.3)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const make = (name: string, folder: string): TestProject =>
    new TestProject(path.join(world.folder, folder), { name, steps: [{ name: 'look', shell: 'ls' }] });
  const run = (file: string, more: string[] = [], env = {}): Promise<Ended> =>
    world.run(['run', file, '--yes', ...more], env);
  const passed = ({ code, stdout, stderr }: Ended): void => assert.equal(code, 0, stdout + stderr);
  const file = (folder: string, name: string): string => path.join(world.folder, folder, name, 'training.runpod.json');

  it('is refused before anything is rented, until it is agreed to', async () => {
    const [one, two] = ['first', 'second'].map((folder) => make('same', folder)) as [TestProject, TestProject];
    passed(await run(one.file));
    const asked = world.podsAsked();
    const { code, stderr } = await run(two.file);
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`The project "same" on this volume was filled from ${one.root} on `));
    assert.match(stderr, /let this folder fill it: +runpod-trainer run .* --yes --adopt/);
    assert.equal(world.podsAsked(), asked);
    passed(await run(two.file, ['--adopt']));
    passed(await run(two.file));
    passed(await run(one.file));
    const folder = path.join(await world.volume('tests'), 'projects', 'same', '.runpod-trainer');
    const { origins } = JSON.parse(readFileSync(path.join(folder, 'origins.json'), 'utf8')) as {
      origins: { folder: string }[];
    };
    assert.deepEqual(
      origins.map((o) => o.folder),
      [one.root, two.root],
    );
  });

  it('and from another computer is refused on its pod, which ends', async () => {
    passed(await run(make('far', 'here').file));
    const there = make('far', 'there');
    const { code, stderr } = await run(there.file, [], {
      RUNPOD_TRAINER_HOME: path.join(world.folder, 'there', 'home'),
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /"far" on this volume was filled from/);
    assert.match(stderr, /The pod was terminated; what it cost: free here, about/);
    assert.deepEqual(await world.pods(), []);
  });

  it('and over S3 before money, and before anybody is asked about the data of the other (own-29)', async () => {
    const build = (folder: string): TestProject =>
      new TestProject(path.join(world.folder, folder), {
        name: 'asked',
        steps: [{ name: 'look', shell: 'ls', inputs: ['data/*.csv'] }],
        sync: { must: ['data/'] },
      });
    const [one, two] = [build('mine'), build('yours')];
    one.write('data/one.csv', '1\n');
    two.write('data/two.csv', '2\n');
    passed(await run(one.file));
    const asked = world.podsAsked();
    const { code, stderr } = await run(two.file, ['--gone', 'remove'], {
      RUNPOD_TRAINER_HOME: path.join(world.folder, 'yours', 'home'),
      RUNPOD_TRAINER_S3_URL: world.sandbox.s3Url,
      RUNPOD_S3_ACCESS_KEY_ID: world.sandbox.s3Keys.accessKeyId,
      RUNPOD_S3_SECRET_ACCESS_KEY: world.sandbox.s3Keys.secretAccessKey,
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /"asked" on this volume was filled from/);
    assert.equal(world.podsAsked(), asked);
    assert.doesNotMatch(readFileSync(two.file, 'utf8'), /"gone"/);
  });

  it('does not mean a folder that has moved, but a copy of it', async () => {
    passed(await run(make('kin', 'old').file));
    renameSync(path.join(world.folder, 'old'), path.join(world.folder, 'moved'));
    passed(await run(file('moved', 'kin')));
    cpSync(path.join(world.folder, 'moved'), path.join(world.folder, 'copy'), { recursive: true });
    const asked = world.podsAsked();
    assert.equal((await run(file('copy', 'kin'))).code, 2);
    assert.equal(world.podsAsked(), asked);
    passed(await run(file('moved', 'kin')));
  });

  it('is refused by sync too', async () => {
    const [one, two] = ['left', 'right'].map((folder) => make('synced', folder)) as [TestProject, TestProject];
    passed(await world.run(['sync', one.file, '--yes']));
    const { code, stderr } = await world.run(['sync', two.file, '--yes']);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /let this folder fill it: +runpod-trainer sync .* --yes --adopt/);
    passed(await world.run(['sync', two.file, '--yes', '--adopt']));
  });
});
