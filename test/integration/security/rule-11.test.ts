import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../../support/files.ts';
import { until } from '../../support/wait.ts';
import { workerOf, World } from '../jobs/harness.ts';
import { TestProject, untilGo } from '../jobs/projects.ts';

/** A planted value in the forms in which it could travel. */
class Canary {
  readonly name: string;
  readonly value: string;
  readonly #forms: string[];

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
    const bytes = Buffer.from(value);
    // Base64 of the middle, whatever stands before it; the ends depend on their neighbours.
    const shifted = [0, 1, 2].map((n) => bytes.subarray(n).toString('base64').slice(0, -4));
    this.#forms = [value, bytes.toString('hex'), encodeURIComponent(value), ...shifted];
  }

  isIn(text: Buffer | string): boolean {
    return this.#forms.some((form) => text.includes(form));
  }
}

interface ProcessSeen {
  pid: number;
  arguments: string;
  environment: string;
}

function processes(): ProcessSeen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        return [
          {
            pid: Number(name),
            arguments: readFileSync(`/proc/${name}/cmdline`, 'latin1'),
            environment: readFileSync(`/proc/${name}/environ`, 'latin1'),
          },
        ];
      } catch {
        // It ended, or it belongs to somebody else.
        return [];
      }
    });
}

describe('rule 11: canaries', () => {
  const random = (): string => randomBytes(15).toString('hex');
  let world: World;
  let canaries: Canary[];
  let stepSecret: Canary;
  const log: string[] = [];
  const leaks = new Set<string>();
  let sampling: NodeJS.Timeout | undefined;
  let samples = 0;

  before(async () => {
    world = await World.open({ log: (line) => log.push(line) });
    stepSecret = new Canary('the secret of a step', `canary-${random()}`);
    canaries = [
      new Canary('the API key', world.sandbox.key),
      new Canary('a Hugging Face token', `hf_${random()}`),
      new Canary('a W&B key', random()),
      new Canary('an S3 key', `rps_${random()}`),
      stepSecret,
    ];
  });
  after(async () => {
    clearInterval(sampling);
    await world.close();
  });

  const environment = (): NodeJS.ProcessEnv => {
    const [, huggingFace, weights, s3, secret] = canaries.map((c) => c.value);
    return {
      HF_TOKEN: huggingFace,
      WANDB_API_KEY: weights,
      RUNPOD_S3_SECRET_KEY: s3,
      STEP_SECRET: secret,
      RUNPOD_TRAINER_DEBUG: '1',
    };
  };

  /** Arguments of all processes; environments of all but those that must have a key. */
  function sample(): void {
    samples += 1;
    for (const seen of processes()) {
      for (const canary of canaries) {
        if (canary.isIn(seen.arguments)) {
          leaks.add(`${canary.name} in the arguments ${seen.arguments.slice(0, 200)}`);
        }
        const isCli = seen.arguments.includes('cli.js\0');
        const isItsStep = canary === stepSecret && seen.environment.includes('RUNPOD_TRAINER_STEP=with\0');
        if (canary.isIn(seen.environment) && !isCli && !isItsStep) {
          leaks.add(`${canary.name} in the environment of ${seen.arguments.replaceAll('\0', ' ').slice(0, 200)}`);
        }
      }
    }
  }

  /** Every file of the home, the projects, the sandbox with its volumes, and the disk of the pod of a running job. */
  function search(folder: string): void {
    const allowed = path.join(world.folder, 'sandbox', 'connection.json');
    for (const file of filesBelow(folder)) {
      if (file === allowed) {
        continue;
      }
      try {
        const content = statSync(file).size < 100_000_000 ? readFileSync(file) : Buffer.alloc(0);
        canaries.filter((c) => c.isIn(content)).forEach((c) => leaks.add(`${c.name} in ${file}`));
      } catch {
        // It was removed meanwhile.
      }
    }
  }

  it('rule 11: no key is anywhere but where it is used: files, volume, container disk, arguments, environments, output, log', async () => {
    sampling = setInterval(sample, 50);
    const env = environment();
    const project = new TestProject(world.folder, {
      name: 'canary',
      steps: [
        { name: 'here', where: 'local', shell: 'env > here.txt; cat here.txt', outputs: ['here.txt'] },
        { name: 'before', shell: 'env > before.txt; cat before.txt; ls -l /proc/self/fd' },
        {
          name: 'with',
          secrets: ['STEP_SECRET'],
          shell: `printf %s "$STEP_SECRET" | sha256sum > digest.txt; echo "it is $STEP_SECRET"; echo "$STEP_SECRET" >&2; ${untilGo}`,
        },
        { name: 'fails', shell: 'env; python3 -c "raise SystemExit(open(\'/nowhere\').read())"' },
      ],
      onFinish: { fetch: ['*.txt'] },
    });
    const run = world.start(['run', project.file, '--yes'], env);
    await run.says('line 50');
    const [record] = world.records();
    assert.ok(record !== undefined);

    // While the step that has the secret is at work: everything that anybody could look at.
    search(world.folder);
    const worker = workerOf(record.job);
    assert.ok(worker !== undefined);
    if (world.sandbox.isolation === 'namespace') {
      for (const folder of ['etc', 'root', 'tmp', 'var/log', 'var/tmp', 'workspace']) {
        search(`/proc/${worker.pid}/root/${folder}`);
      }
    }
    const pods = await fetch(`${world.sandbox.restUrl}/pods`, {
      headers: { authorization: `Bearer ${world.sandbox.key}` },
    });
    const shown = await pods.text();
    assert.match(shown, /rpt-canary/);
    canaries.filter((c) => c.isIn(shown)).forEach((c) => leaks.add(`${c.name} in the answer of the API`));
    const outputs = await Promise.all(
      [['doctor'], ['doctor', '--json'], ['jobs', '--json']].map((args) => world.run(args, env)),
    );
    const second = world.start(['attach', record.job, '--json'], env);
    await second.says('line 50');
    const volume = await world.volume('tests');
    writeFileSync(path.join(volume, 'projects', 'canary', 'go'), '');
    outputs.push(await run.ended, await second.ended);
    assert.equal((await run.ended).code, 1, run.stdout + run.stderr);
    outputs.push(await world.run(['fetch', record.job, '--yes'], env));
    const last = [
      ['attach', record.job],
      ['jobs'],
      ['doctor', record.job],
      ['run', project.file, '--profile', 'none', '--yes'],
    ];
    outputs.push(...(await Promise.all(last.map((args) => world.run(args, env)))));
    await until('the last processes were looked at', () => samples > 20);
    clearInterval(sampling);
    search(world.folder);
    for (const { stdout, stderr } of outputs) {
      canaries
        .filter((c) => c.isIn(stdout + stderr))
        .forEach((c) => leaks.add(`${c.name} in output: ${stdout.slice(0, 80)}`));
    }
    canaries.filter((c) => c.isIn(log.join('\n'))).forEach((c) => leaks.add(`${c.name} in the log of the sandbox`));
    assert.deepEqual([...leaks], []);

    // The secret did arrive, and the search could have found it.
    const results = path.join(project.root, 'runpod-results', record.job);
    const digest = createHash('sha256').update(stepSecret.value).digest('hex');
    assert.match(readFileSync(path.join(results, 'digest.txt'), 'utf8'), new RegExp(digest));
    assert.match(outputs.map((o) => o.stdout).join(''), /it is \[secret\]/);
    const planted = path.join(world.folder, 'planted.txt');
    writeFileSync(planted, `x${Buffer.from(`-${stepSecret.value}-`).toString('base64')}`);
    search(world.folder);
    assert.deepEqual([...leaks], [`the secret of a step in ${planted}`]);
  }).timeout(180_000);
});
