import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withSmallDisk } from '../../support/small-disk.ts';
import { World } from './harness.ts';
import { TestProject } from './projects.ts';

/** A job whose results are not all here is not told as if all were well (R3.2, R3.5). */
describe('results that do not come home (R3.2)', function () {
  this.timeout(240_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const s3 = (): NodeJS.ProcessEnv => ({
    RUNPOD_TRAINER_S3_URL: world.sandbox.s3Url,
    RUNPOD_S3_ACCESS_KEY_ID: world.sandbox.s3Keys.accessKeyId,
    RUNPOD_S3_SECRET_ACCESS_KEY: world.sandbox.s3Keys.secretAccessKey,
  });

  function project(name: string, shell: string, fetch: string[], more: Record<string, unknown> = {}): TestProject {
    return new TestProject(world.folder, { name, steps: [{ name: 'write', shell }], onFinish: { fetch }, ...more });
  }

  /** Runs it; the job, its exit code and what was said. */
  async function run(
    of: TestProject,
    words: string[] = [],
  ): Promise<{ code: number | null; job: string; said: string }> {
    const { code, stdout, stderr } = await world.run(['run', of.file, '--yes', ...words]);
    const job = /Job (\S+) (?:succeeded|failed)/.exec(stdout)?.[1] ?? assert.fail(stdout + stderr);
    return { code, job, said: stdout.replace(/\s+/g, ' ') };
  }

  const home = (of: TestProject, job: string, name = ''): string => path.join(of.root, 'runpod-results', job, name);

  it('a file in the place of the folder: exit code 5, said in every list, and the remedy works once it is away', async () => {
    const of = project('in-the-way', 'mkdir -p out; echo 1 > out/a.txt', ['out/**']);
    of.write('runpod-results', 'a file\n');
    const { code, job, said } = await run(of);
    assert.equal(code, 5, said);
    assert.match(said, /succeeded, but its results are not here/);
    assert.match(said, /cannot be made\. A file, or a link to nothing, has this name\. Move it away and fetch again/);
    assert.match(said, new RegExp(`bring its results home: runpod-trainer fetch ${job}`));
    assert.match((await world.run(['jobs'])).stdout, /succeeded, results not here/);
    assert.match(world.record(job).notHome?.why ?? '', /runpod-results/);
    assert.deepEqual(await world.pods(), []);
    rmSync(path.join(of.root, 'runpod-results'));
    // Over S3, which costs nothing, before a pod is offered.
    const asked = world.podsAsked();
    const fetched = await world.run(['fetch', job], s3());
    assert.equal(fetched.code, 0, fetched.stdout + fetched.stderr);
    assert.equal(world.podsAsked(), asked, 'no pod is rented where S3 is to be had');
    assert.equal(readFileSync(home(of, job, 'out/a.txt'), 'utf8'), '1\n');
    assert.match(readFileSync(home(of, job, 'job/events.jsonl'), 'utf8'), /job\.finished/);
    assert.match((await world.run(['jobs'])).stdout, new RegExp(`${job} +succeeded {2}`));
  });

  it('names that cannot be here and links: what is home is told as home, what is not by its name and reason', async () => {
    const shell = [
      'mkdir -p out wandb/run-1 hf/blobs hf/snapshots/r1 && for i in $(seq 44); do echo $i > out/$i.txt; done',
      "echo 1 > out/$'\\xe9'.txt; echo 2 > out/$'\\xe8'.txt; echo w > 'out/epoch=1.pt'; ln -sfn epoch=1.pt out/last.pt",
      'ln -sfn /etc/hostname out/away; echo y > wandb/run-1/config.yaml; ln -sfn run-1 wandb/latest-run',
      'echo b > hf/blobs/abc; ln -sfn ../../blobs/abc hf/snapshots/r1/model.bin',
    ].join('; ');
    const fetch = ['out/**', 'wandb/latest-run/**', 'hf/snapshots/**', 'outputs/**'];
    const of = project('names', `bash -c ${JSON.stringify(shell).replaceAll('$', '\\$')}`, fetch);
    const { code, job, said } = await run(of);
    assert.equal(code, 5, said);
    assert.match(said, /Results [^ ]+ \(\d+ files/);
    assert.match(said, /4 of its results are not here/);
    for (const told of [
      /"out\/\\udce9\.txt": The name was refused: it is not UTF-8/,
      /"out\/\\udce8\.txt": The name was refused/,
      /"out\/away": Left on the volume: it is a link out of the project, to \/etc\/hostname/,
      /"outputs\/\*\*": Nothing on the volume matches this pattern/,
    ]) {
      assert.match(said, told);
    }
    assert.equal(readdirSync(home(of, job, 'out')).length, 46);
    assert.equal(readFileSync(home(of, job, 'out/last.pt'), 'utf8'), 'w\n');
    assert.equal(readFileSync(home(of, job, 'wandb/latest-run/config.yaml'), 'utf8'), 'y\n');
    assert.equal(readFileSync(home(of, job, 'hf/snapshots/r1/model.bin'), 'utf8'), 'b\n');
    assert.match((await world.run(['jobs'])).stdout, /succeeded, 4 results not here/);
    // Over S3, which shows no links, the same comes and the same is told.
    rmSync(home(of, job), { recursive: true });
    const again = await world.runJson(['fetch', job], s3());
    assert.equal(again.code, 5, again.stderr);
    assert.equal(readFileSync(home(of, job, 'out/last.pt'), 'utf8'), 'w\n');
    assert.equal(readFileSync(home(of, job, 'hf/snapshots/r1/model.bin'), 'utf8'), 'b\n');
    const { notHome } = again.result as unknown as { notHome: { left: { path: string }[] } };
    assert.deepEqual(
      notHome.left.map((left) => left.path).sort(),
      ['out/away', 'out/\udce8.txt', 'out/\udce9.txt', 'outputs/**'].sort(),
    );
  });

  it('a link that points to nothing is told and does not stand against the job; one that a pattern names is a missing result', async () => {
    const shell =
      'mkdir -p out; echo 1 > out/a.txt; echo 2 > out/b.txt; ln -sfn gone.pt out/best.pt; ln -sfn b.txt out/last.txt';
    const of = project('to-nothing', shell, ['out/**']);
    const { code, job, said } = await run(of);
    assert.equal(code, 0, said);
    assert.match(said, /"out\/best\.pt": a link that points to nothing on the volume/);
    assert.match((await world.run(['jobs'])).stdout, new RegExp(`${job} +succeeded {2}`));
    rmSync(home(of, job), { recursive: true });
    const again = await world.run(['fetch', job], s3());
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stdout, /"out\/best\.pt": a link that points to nothing on the volume/);
    assert.equal(readFileSync(home(of, job, 'out/last.txt'), 'utf8'), '2\n');
    // Named by itself it is a result, and there is none.
    const named = project('named-link', shell, ['out/a.txt', 'out/best.pt']);
    const missing = await run(named);
    assert.equal(missing.code, 5, missing.said);
    assert.match(missing.said, /"out\/best\.pt": Nothing on the volume matches this pattern/);
  });

  it('an edited result is kept and told; each answer does what it says', async () => {
    const of = project('edited', 'mkdir -p out; echo from pod > out/r.txt; echo 2 > out/other.txt', ['out/**']);
    const { code, job, said } = await run(of);
    assert.equal(code, 0, said);
    const file = home(of, job, 'out/r.txt');
    writeFileSync(file, 'my own work\n');
    const kept = await world.run(['fetch', job, '--yes']);
    assert.equal(kept.code, 5, kept.stdout + kept.stderr);
    assert.match(kept.stdout, /1 file that you changed here, kept as they are:\n +out\/r\.txt/);
    assert.equal(readFileSync(file, 'utf8'), 'my own work\n');
    assert.match((await world.run(['jobs'])).stdout, new RegExp(`${job} +succeeded {2}`), 'nothing is missing');
    assert.equal((await world.run(['fetch', job, '--keep', 'mine'])).code, 0);
    assert.equal(readFileSync(file, 'utf8'), 'my own work\n');
    // The remedies that were shown, as they stand there.
    const [theirs, both] = kept.stdout
      .split('\n')
      .flatMap((line) => /runpod-trainer (fetch .*)$/.exec(line)?.[1] ?? []);
    assert.equal((await world.run((both ?? '').split(' '), s3())).code, 0);
    assert.equal(readFileSync(file, 'utf8'), 'my own work\n');
    assert.equal(readFileSync(home(of, job, 'out/r.from-volume.txt'), 'utf8'), 'from pod\n');
    assert.equal((await world.run((theirs ?? '').split(' '), s3())).code, 0);
    assert.equal(readFileSync(file, 'utf8'), 'from pod\n');
    // What is gone here comes again, and what is edited stays.
    rmSync(home(of, job, 'out/other.txt'));
    writeFileSync(file, 'edited again\n');
    const partly = await world.run(['fetch', job], s3());
    assert.equal(partly.code, 5, partly.stdout + partly.stderr);
    assert.equal(readFileSync(home(of, job, 'out/other.txt'), 'utf8'), '2\n');
    assert.equal(readFileSync(file, 'utf8'), 'edited again\n');
  });

  it('what a later job wrote over is not brought as this one’s, and the later job is named', async () => {
    const of = project('twice', 'mkdir -p out; echo first > out/r.txt; echo same > out/s.txt', ['out/**']);
    of.write('runpod-results', 'in the way\n');
    const first = await run(of);
    assert.equal(first.code, 5, first.said);
    rmSync(path.join(of.root, 'runpod-results'));
    of.changeStep('write', { shell: 'echo other > out/r.txt; echo new > out/n.txt' });
    const second = await run(of);
    assert.equal(second.code, 0, second.said);
    const late = await world.run(['fetch', first.job], s3());
    assert.equal(late.code, 5, late.stdout + late.stderr);
    assert.match(
      late.stdout.replace(/\s+/g, ' '),
      new RegExp(`out/r.txt": What lies there is of the job ${second.job}`),
    );
    assert.equal(existsSync(home(of, first.job, 'out/r.txt')), false);
    assert.equal(readFileSync(home(of, first.job, 'out/s.txt'), 'utf8'), 'same\n');
    assert.match((await world.run(['jobs'])).stdout, new RegExp(`${first.job} +succeeded, 2 results not here`));
    assert.equal(
      (await world.run(['fetch', first.job, '--keep', 'both'], s3())).code,
      5,
      'its own is lost all the same',
    );
    assert.equal(readFileSync(home(of, first.job, `out/r.from-${second.job}.txt`), 'utf8'), 'other\n');
    // What came home before the later job ran stays what it was.
    assert.equal(readFileSync(home(of, second.job, 'out/r.txt'), 'utf8'), 'other\n');
  });

  it('a disk here that refuses ends a fetch over S3 at once: exit code 5, what came is told, and no pod is asked for', async () => {
    // With what else comes it is too large by less than a piece of an answer, whose first bytes the disk still takes.
    const shell = 'mkdir -p out; echo 1 > out/a.txt; head -c 6291456 /dev/urandom > out/big.bin';
    const of = project('small-disk', shell, ['out/**']);
    of.write('runpod-results', 'in the way\n');
    const { job } = await run(of);
    const disk = path.join(of.root, 'runpod-results');
    rmSync(disk);
    mkdirSync(disk);
    const asked = world.podsAsked();
    const cases: [options: string, says: RegExp][] = [
      ['size=6m', /The disk of this machine is full\. Writing below [^ ]*runpod-results[^ ]* failed/],
      ['size=6m,ro', /Nothing can be written to [^ ]*runpod-results/],
    ];
    for (const [options, says] of cases) {
      const through = withSmallDisk(disk, 'true', options);
      const { code, stdout, stderr } = await world.runThrough(through, ['fetch', job, '--yes'], s3());
      const said = (stdout + stderr).replace(/\s+/g, ' ');
      assert.equal(code, 5, said);
      assert.match(said, says);
      assert.doesNotMatch(said, /did not answer|Check the network|Rent/);
      if (options === 'size=6m') {
        assert.match(said, /[1-9]\d* files? of them came and (?:is|are) in /);
      }
      assert.match(world.record(job).notHome?.why ?? '', says);
    }
    assert.equal(world.podsAsked(), asked, 'no other route helps');
    assert.equal((await world.run(['fetch', job], s3())).code, 0);
    assert.equal(statSync(home(of, job, 'out/big.bin')).size, 6 * 1024 * 1024);
  });

  it('an edit that keeps size and time is an edit, and a second copy of the same bytes is not made', async () => {
    const of = project('same-look', 'mkdir -p out; echo from pod > out/r.txt; echo 2 > out/other.txt', ['out/**']);
    const { code, job, said } = await run(of);
    assert.equal(code, 0, said);
    const file = home(of, job, 'out/r.txt');
    const { atime, mtime } = statSync(file);
    const edit = (): void => {
      writeFileSync(file, 'my words\n');
      utimesSync(file, atime, mtime);
      rmSync(home(of, job, 'out/other.txt'), { force: true });
    };
    edit();
    // Over S3 first, which tells no content: what is known of how it came outlasts that.
    await world.run(['fetch', job], s3());
    assert.equal(readFileSync(file, 'utf8'), 'my words\n');
    edit();
    const kept = await world.run(['fetch', job, '--yes']);
    assert.equal(kept.code, 5, kept.stdout + kept.stderr);
    assert.match(kept.stdout, /1 file that you changed here, kept as they are:\n +out\/r\.txt/);
    assert.equal(readFileSync(file, 'utf8'), 'my words\n');
    for (const env of [{}, s3()]) {
      edit();
      await world.run(['fetch', job, '--keep', 'both', '--yes'], env);
      assert.deepEqual(readdirSync(home(of, job, 'out')).sort(), ['other.txt', 'r.from-volume.txt', 'r.txt']);
      assert.equal(readFileSync(file, 'utf8'), 'my words\n');
    }
    writeFileSync(file, 'longer words of mine\n');
    for (const env of [s3(), {}]) {
      await world.run(['fetch', job, '--keep', 'both', '--yes'], env);
      assert.deepEqual(readdirSync(home(of, job, 'out')).sort(), ['other.txt', 'r.from-volume.txt', 'r.txt']);
    }
  });

  it('declining the pod is no success, and nothing is rented', async () => {
    const of = project('declined', 'echo 1 > a.txt', ['a.txt']);
    of.write('runpod-results', 'in the way\n');
    const { job } = await run(of);
    rmSync(path.join(of.root, 'runpod-results'));
    const asked = world.podsAsked();
    const { cli, order } = world.startInTerminal(['fetch', job]);
    await cli.says('Rent a');
    order('type n');
    const { stdout, stderr } = await cli.ended;
    assert.match(stderr, /exit 4/, stdout);
    assert.equal(world.podsAsked(), asked);
    assert.equal(existsSync(home(of, job, 'a.txt')), false);
  });

  it('a failed job whose pattern matches nothing is told as failed, with what came', async () => {
    const of = project('failing', 'echo 1 > a.txt; exit 3', ['a.txt', 'never/**']);
    const { code, job, said } = await run(of);
    assert.equal(code, 1, said);
    assert.match(said, /Nothing on the volume matches never/);
    assert.ok(existsSync(home(of, job, 'a.txt')));
  });
});
