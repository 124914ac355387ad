import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readToSend } from '../../../src/core/volumes/browse/one-file.ts';
import { seeded } from '../../support/random.ts';
import { World } from './harness.ts';
import { TestProject } from './projects.ts';

const random = seeded(17);
const letters = Array.from('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz023456789');
const key = `hf_${Array.from({ length: 34 }, () => random.pick(letters)).join('')}`;

/** RunPod's GraphQL is asked by POST, for reading alone. */
const isChange = ({ method, path: to }: { method: string; path: string }): boolean =>
  method !== 'GET' && to !== '/graphql';

describe('secrets in files leave this machine by no way (R9.6)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const planted = {
    'src/.env': 'HF_TOKEN=x\n',
    'src/id_ed25519': 'x',
    'src/.netrc': 'machine a login b password c',
    'src/login.py': `login("${key}")\n`,
  };
  const project = (name: string, files: Record<string, string>): TestProject => {
    const made = new TestProject(world.folder, {
      name,
      sync: { must: ['src/'] },
      steps: [{ name: 'a', shell: 'true' }],
    });
    for (const [file, text] of Object.entries({ 'src/t.py': 'print(1)\n', ...files })) made.write(file, text);
    return made;
  };
  const nothingLeft = (name: string): void => {
    const volumes = path.join(world.home, '..', 'volumes');
    const texts = existsSync(volumes) ? readdirSync(volumes, { recursive: true, encoding: 'utf8' }) : [];
    assert.deepEqual(
      texts.filter((file) => file.includes(`${name}/src`)),
      [],
    );
  };

  const ways: [name: string, args: string[]][] = [
    ['run', ['run', '--yes']],
    ['run without checks', ['run', '--yes', '--no-check']],
    ['smoke', ['run', '--smoke', '--yes']],
    ['smoke without checks', ['run', '--smoke', '--yes', '--no-check']],
    ['sync', ['sync', '--yes']],
    ['sync over a gateway', ['sync', '--yes', '--route', 'gateway']],
  ];
  for (const [way, [command = '', ...args]] of ways) {
    it(`${way}: refused before anything is rented, with the places and without the value`, async () => {
      const name = way.replaceAll(' ', '-');
      const { file } = project(name, planted);
      const before = world.requests.length;
      const { code, stdout, stderr } = await world.run([command, file, ...args]);
      assert.equal(code, 2, stderr);
      for (const place of ['src/.env', 'src/id_ed25519', 'src/.netrc', 'src/login.py:1']) {
        assert.ok(stderr.includes(place), `${place}: ${stderr}`);
      }
      assert.ok(!(stdout + stderr).includes(key));
      const made = world.requests.slice(before).filter(isChange);
      assert.deepEqual(made, []);
      nothingLeft(name);
    });
  }

  it('upload of chosen files: refused', async () => {
    const { file } = project('upload', planted);
    const chosen = ['t.py', 'login.py'].map((name) => path.join(path.dirname(file), 'src', name));
    const options = { signal: new AbortController().signal, onFile: () => undefined };
    await assert.rejects(readToSend(chosen, options), { code: 'secrets-found', message: /login\.py:1/ });
    assert.equal((await readToSend(chosen.slice(0, 1), options)).length, 1);
  });

  it('a file that a local step makes is looked through too, before the pod is rented', async () => {
    const made = new TestProject(world.folder, {
      name: 'made-here',
      sync: { must: ['src/'], data: ['out/'] },
      steps: [
        {
          name: 'make',
          where: 'local',
          shell: `mkdir -p out; echo 'login("hf_'${key.slice(3)}'")' > out/made.py`,
          outputs: ['out/'],
        },
        { name: 'use', shell: 'true' },
      ],
    });
    made.write('src/t.py', 'print(1)\n');
    const { code, stderr } = await world.run(['run', made.file, '--yes', '--no-check']);
    assert.notEqual(code, 0);
    assert.match(stderr, /out\/made\.py:1 \(Hugging Face token\)/);
    assert.deepEqual(await world.pods(), []);
  });

  it('check has it as an error, and says how much was not searched', async () => {
    const made = project('checked', planted);
    made.write('src/w.npz', 'PK\u0003\u0004');
    const { code, stdout } = await world.run(['check', made.file]);
    assert.equal(code, 1);
    assert.match(
      stdout.replace(/\s+/g, ' '),
      /hold what looks like a secret: src\/\.env \(environment file\), .*src\/login\.py:1/,
    );
    assert.match(
      stdout.replace(/\s+/g, ' '),
      /1 file \(4 B\) of data, archives, pictures or sound: not searched for secrets/,
    );
    assert.ok(!stdout.includes(key));
    const plan = await world.run(['plan', made.file]);
    assert.match(plan.stdout.replace(/\s+/g, ' '), /not searched for secrets/);
  });

  it('"sync.allowSecrets" lets a file go, over run and sync alike', async () => {
    const made = new TestProject(world.folder, {
      name: 'allowed',
      sync: { must: ['src/'], allowSecrets: ['src/login.py'] },
      steps: [{ name: 'a', shell: 'test -f src/login.py' }],
    });
    made.write('src/login.py', `login("${key}")\n`);
    const { code, stderr } = await world.run(['run', made.file, '--yes']);
    assert.equal(code, 0, stderr);
    const there = path.join(await world.volume('tests'), 'projects', 'allowed', 'src', 'login.py');
    assert.ok(readFileSync(there, 'utf8').includes(key));
  });

  for (const [value, reason] of [
    ['1234', /fewer than 6 characters/],
    ['changeme', /common word/],
    ['aaaaaaaa', /different characters/],
  ] as const) {
    it(`a secret that cannot be masked (${value}) is refused with the reason, by check and by run`, async () => {
      const made = new TestProject(world.folder, {
        name: `pin-${value}`,
        steps: [{ name: 'a', shell: 'true', secrets: ['PIN'] }],
      });
      for (const args of [['check'], ['run', '--yes', '--no-check']]) {
        const [command = '', ...more] = args;
        const before = world.requests.length;
        const { code, stdout, stderr } = await world.run([command, made.file, ...more], { PIN: value });
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, reason);
        assert.match((stdout + stderr).replace(/\s+/g, ' '), /The secret PIN .*cannot be kept out of what/);
        assert.deepEqual(world.requests.slice(before).filter(isChange), []);
      }
    });
  }

  it('what a step prints of its secret is masked in the terminal, in the copy at home and in what is fetched', async () => {
    const secret = 'canary-Zx81kQpL0v7TtR';
    const code = [
      'import os, re, json, base64, urllib.parse',
      's = os.environ["CANARY_TOKEN"]',
      'print("key is", re.sub(r"(\\d+)", "\\x1b[1;36m\\\\1\\x1b[0m", s), json.dumps(s), urllib.parse.quote(s))',
      'print(base64.b64encode(b"x" + s.encode()).decode(), "\\0".join(s))',
      'open(os.environ["RUNPOD_TRAINER_METRICS"], "a").write(json.dumps({s: 1, "loss": 2}) + "\\n")',
      'raise SystemExit("failed with " + s)',
    ].join('\n');
    const made = new TestProject(world.folder, {
      name: 'canary',
      sync: { must: ['src/'] },
      steps: [{ name: 'a', script: 'src/t.py', secrets: ['CANARY_TOKEN'] }],
    });
    made.write('src/t.py', code);
    const told = await world.run(['run', made.file, '--yes', '--no-check'], { CANARY_TOKEN: secret });
    assert.equal(told.code, 1, told.stderr);
    assert.match(told.stdout, /key is .*\[secret\]/);
    const core = Buffer.from(`x${secret}`).toString('base64').slice(2, -3);
    const places = [path.dirname(made.file), world.home, await world.volume('tests')];
    const files = places.flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name)),
    );
    const texts = [
      ['terminal', told.stdout + told.stderr],
      ...files.map((name) => [name, readFileSync(name, 'latin1')]),
    ];
    const leaks = texts.filter(([, text = '']) => {
      const seen = text.replace(/\u001b\[[0-9;]*m|\\u001b\[[0-9;]*m|\0/g, '');
      return seen.includes(secret) || seen.includes(core);
    });
    assert.deepEqual(
      leaks.map(([name]) => name),
      [],
    );
  });
});
