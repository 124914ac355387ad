import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseProject } from '../../../src/core/project/parse.ts';
import { eventsOf, World, type Ended, type Told } from './harness.ts';
import { TestProject } from './projects.ts';

/** Shows which modules and data a step finds. */
const look = `
import importlib, glob
found = []
for name in ("m", "old"):
    try:
        found.append(f"{name}={importlib.import_module(name).WHO}")
    except Exception as error:
        found.append(f"{name}={type(error).__name__}")
print("MODULES", *found, "DATA", *sorted(glob.glob("data/*")))
`;

describe('a run works on what is here (R2.5, own-07)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  function make(name: string, sync: Record<string, unknown> = { must: ['src/', 'data/'] }, files = {}): TestProject {
    return new TestProject(
      world.folder,
      { name, sync, steps: [{ name: 'look', script: 'src/look.py' }] },
      {
        'src/look.py': look,
        'src/m/__init__.py': 'WHO = "package"\n',
        'src/old.py': 'WHO = "old"\n',
        'data/p1.csv': '1\n',
        'data/p2.csv': '2\n',
        ...files,
      },
    );
  }

  const run = (project: TestProject, ...more: string[]): Promise<Ended> =>
    world.run(['run', project.file, '--yes', '--from', 'look', ...more]);
  const there = async (project: string, file: string): Promise<string> =>
    path.join(await world.volume('tests'), 'projects', project, file);
  const goneOf = (project: TestProject): unknown =>
    parseProject(project.read('training.runpod.json')).project?.sync.gone;

  it('and what was set aside is listed and brought back, through a pod and over S3, over nothing that is here', async () => {
    const project = make('back');
    project.change((parts) => ({ ...parts, onFinish: { pod: 'keep' }, caps: { hours: 1 } }));
    assert.equal((await run(project)).code, 0);
    const nothing = await world.run(['removed', project.file]);
    assert.deepEqual(
      [nothing.code, /Nothing is set aside on the volume/.test(nothing.stdout)],
      [0, true],
      nothing.stderr,
    );
    const old = project.read('src/old.py');
    rmSync(path.join(project.root, 'src', 'old.py'));
    rmSync(path.join(project.root, 'src', 'm'), { recursive: true });
    project.write('src/m', 'a file of mine\n');
    assert.equal((await run(project)).code, 0);
    const keys = {
      RUNPOD_TRAINER_S3_URL: world.sandbox.s3Url,
      RUNPOD_S3_ACCESS_KEY_ID: world.sandbox.s3Keys.accessKeyId,
      RUNPOD_S3_SECRET_ACCESS_KEY: world.sandbox.s3Keys.secretAccessKey,
    };
    for (const env of [{}, keys]) {
      const listed = await world.run(['removed', project.file, '--json'], env);
      const { files } = JSON.parse(listed.stdout) as { files: { path: string; size: number; time: string }[] };
      assert.deepEqual(
        files.map((file) => [file.path, file.size]),
        [
          ['src/m/__init__.py', 16],
          ['src/old.py', old.length],
        ],
        listed.stdout + listed.stderr,
      );
      assert.ok(Math.abs(Date.parse(files[0]?.time ?? '') - Date.now()) < 600_000);
      assert.match((await world.run(['removed', project.file], env)).stdout, /src\/old\.py +\d+ B +set aside at/);
      const back = await world.run(['removed', project.file, '--restore', 'src/old.py'], env);
      assert.equal(back.code, 0, back.stderr);
      assert.equal(project.read('src/old.py'), old);
      const taken = await world.run(['removed', project.file, '--restore'], env);
      assert.equal(taken.code, 1, 'where a file of another content, or of a folder, is here it is told');
      assert.match(taken.stdout, /src\/m\/__init__\.py stays on the volume/);
      assert.equal(project.read('src/m'), 'a file of mine\n');
      const none = await world.run(['removed', project.file, '--restore', 'nothing/**'], env);
      assert.deepEqual([none.code, /Nothing that is set aside there matches nothing/.test(none.stderr)], [2, true]);
      rmSync(path.join(project.root, 'src', 'old.py'));
      project.write('src/old.py', 'mine\n');
      assert.equal((await world.run(['removed', project.file, '--restore', 'src/old.py'], env)).code, 1);
      assert.equal(project.read('src/old.py'), 'mine\n');
      rmSync(path.join(project.root, 'src', 'old.py'));
    }
    assert.equal(world.podsAsked(), 1, 'nothing is rented for it');
    const [pod] = await world.pods();
    await world.run(['radar', '--stop', pod?.id ?? '', '--yes']);
    const silent = await world.run(['removed', project.file]);
    assert.deepEqual([silent.code, /no pod runs with it/.test(silent.stderr)], [2, true], silent.stderr);
  });

  it('without modules that are gone, renamed, or a file where a folder was, and shows that before and after', async () => {
    const project = make('code');
    assert.match((await run(project)).stdout, /MODULES m=package old=old DATA data\/p1\.csv data\/p2\.csv/);
    rmSync(path.join(project.root, 'src', 'm'), { recursive: true });
    project.write('src/m.py', 'WHO = "module"\n');
    renameSync(path.join(project.root, 'src', 'old.py'), path.join(project.root, 'src', 'newer.py'));
    const planned = await world.run(['plan', project.file]);
    assert.match(planned.stdout, /not part of this run any more\n +src\/m\/__init__\.py .*a job sets it aside there/);
    const { code, stdout, stderr } = await run(project);
    assert.equal(code, 0, stdout + stderr);
    assert.match(
      stdout,
      /Gone +2 files .* set aside on the volume before the steps: src\/m\/__init__\.py, src\/old\.py/,
    );
    assert.match(stdout, /set aside on the volume: src\/m\/__init__\.py, src\/old\.py\. For 7 days/);
    assert.match(stdout, /MODULES m=module old=ModuleNotFoundError DATA/);
    const removed = await there('code', '.runpod-trainer/removed');
    const [when = ''] = readdirSync(removed);
    assert.equal(readFileSync(path.join(removed, when, 'src', 'm', '__init__.py'), 'utf8'), 'WHO = "package"\n');
    // And the other way round.
    rmSync(path.join(project.root, 'src', 'm.py'));
    project.write('src/m/__init__.py', 'WHO = "package again"\n');
    assert.match((await run(project)).stdout, /m=package again old=ModuleNotFoundError/);
  });

  it('never with data that is gone: before anything is rented it names files, bytes and both answers', async () => {
    const project = make('data');
    await run(project);
    const asked = world.podsAsked();
    rmSync(path.join(project.root, 'data', 'p2.csv'));
    const { stdout } = await world.run(['plan', project.file]);
    assert.match(stdout, /data\/p2\.csv +2 B +data \(came under "sync\.must"\): a job stops until you say/);
    const refused = await run(project);
    assert.equal(refused.code, 2, refused.stdout + refused.stderr);
    assert.match(refused.stderr, /1 data file \(2 B\) on the volume is not part .* any more: data\/p2\.csv \(2 B\)/);
    assert.match(
      refused.stderr,
      /remove there: +runpod-trainer run .* --gone remove\n +keep there: +runpod-trainer .* --gone keep/,
    );
    assert.equal(world.podsAsked(), asked);
    assert.ok(existsSync(await there('data', 'data/p2.csv')));

    assert.match((await run(project, '--gone', 'keep')).stdout, /DATA data\/p1\.csv data\/p2\.csv/);
    assert.deepEqual(goneOf(project), { keep: ['data/p2.csv'], remove: [] });
    assert.match((await run(project)).stdout, /DATA data\/p1\.csv data\/p2\.csv/);
  });

  it('and removes it when told so, which is not asked again', async () => {
    const project = make('remove');
    await run(project);
    rmSync(path.join(project.root, 'data', 'p2.csv'));
    const { stdout } = await run(project, '--gone', 'remove');
    assert.match(stdout, /set aside on the volume: data\/p2\.csv/);
    assert.match(stdout, /DATA data\/p1\.csv\n/);
    assert.deepEqual(goneOf(project), { keep: [], remove: ['data/p2.csv'] });
    const again = await world.runJson(['run', project.file, '--yes']);
    assert.equal(again.code, 0);
    assert.ok(again.told.every((line) => line.type !== 'set-aside'));
  });

  it('as another computer left it: the pod stops before the steps and ends, and the next run asks before', async () => {
    const project = make('elsewhere', { must: ['src/'], data: ['data/'] });
    await run(project);
    rmSync(path.join(project.root, 'data', 'p2.csv'));
    rmSync(path.join(project.root, 'src', 'old.py'));
    // What this machine remembered is lost.
    rmSync(path.join(project.root, '.runpod-trainer', 'volume.json'));
    const { code, stdout, stderr } = await run(project);
    assert.equal(code, 2, stdout + stderr);
    assert.match(stderr, /data\/p2\.csv \(2 B\).*\n.*came under "sync\.data"[^]*The pod was terminated/);
    assert.doesNotMatch(stdout, /MODULES/);
    assert.deepEqual(await world.pods(), []);
    assert.ok(existsSync(await there('elsewhere', 'src/old.py')), 'nothing was changed');
    const asked = world.podsAsked();
    assert.equal((await run(project)).code, 2);
    assert.equal(world.podsAsked(), asked);
  });

  it('leaves what a step wrote over a file that was sent, and says so', async () => {
    const project = make('written');
    project.write('data/out.csv', 'sent\n');
    project.changeStep('look', { script: undefined, shell: 'echo written > data/out.csv', outputs: ['data/out.csv'] });
    await run(project);
    rmSync(path.join(project.root, 'data', 'out.csv'));
    const { code, told } = await world.runJson(['run', project.file, '--yes', '--from', 'look']);
    assert.equal(code, 0);
    const warned = told.filter((line): line is Told & { text: string } => line.type === 'warning').map((w) => w.text);
    assert.ok(
      warned.some((text) => /data\/out\.csv: not part of this run any more, but changed on the volume/.test(text)),
      String(warned),
    );
    assert.equal(readFileSync(await there('written', 'data/out.csv'), 'utf8'), 'written\n');
  });

  it('also when the project leaves a file out that is still here', async () => {
    const project = make('ignored', { must: ['src/', 'data/p1.csv'] });
    await run(project);
    writeFileSync(path.join(project.root, '.runpodignore'), 'old.py\n');
    assert.match((await run(project)).stdout, /old=ModuleNotFoundError/);
  });

  it('runs a step again that could reach what was set aside, and skips one after that', async () => {
    const project = make('again');
    const last = async (): Promise<string> => {
      const { code, told } = await world.runJson(['run', project.file, '--yes']);
      assert.equal(code, 0);
      return eventsOf(told).find((e) => e.type === 'step.started' || e.type === 'step.skipped')?.type ?? '';
    };
    assert.equal(await last(), 'step.started');
    rmSync(path.join(project.root, 'src', 'old.py'));
    assert.equal(await last(), 'step.started');
    assert.equal(await last(), 'step.skipped');
  });

  it('over as many links as it takes', async () => {
    const project = make('links');
    await run(project);
    rmSync(path.join(project.root, 'src', 'old.py'));
    const cli = world.start(['run', project.file, '--yes', '--json']);
    await cli.says('"phase":"transfer"', 60);
    const [pod] = await world.pods();
    const link = world.sandbox.link(pod?.id ?? '');
    link.cut();
    await sleep(1_500);
    link.restore();
    const { code } = await cli.ended;
    assert.equal(code, 0, cli.stdout + cli.stderr);
    assert.ok(cli.told().some((line) => line.type === 'link' && line.state === 'lost'));
    assert.ok(!existsSync(await there('links', 'src/old.py')));
    assert.match(cli.stdout, /old=ModuleNotFoundError/);
  });
});
