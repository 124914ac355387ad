import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { useTempFolder } from '../../../support/temp.ts';

const repository = path.resolve(import.meta.dirname, '..', '..', '..', '..');
const cli = path.join(process.env.RUNPOD_TRAINER_DIST ?? path.join(repository, 'dist'), 'cli.js');

describe('what check says is so (R4.1)', () => {
  const folder = useTempFolder();

  interface Finding {
    id: string;
    severity: string;
    what: string;
    why?: string;
  }

  function check(step: object, files: string[], requirements?: string, must = ['src/']): Finding[] {
    for (const name of files) {
      mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
      writeFileSync(path.join(folder.path, name), 'x = 1\n');
    }
    if (requirements !== undefined) {
      writeFileSync(path.join(folder.path, 'src', 'requirements.txt'), requirements);
    }
    const file = path.join(folder.path, 'training.runpod.json');
    const project = {
      version: 1,
      name: 'sentences',
      target: {
        volume: { name: 'v', dataCenter: 'US-MD-1', size: 10 },
        cpu: { id: 'cpu5c', vcpuCount: 2 },
        image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
        ...(requirements !== undefined && { requirements: 'src/requirements.txt' }),
      },
      sync: { must },
      steps: [{ name: 'train', script: 'src/t.py', ...step }],
      caps: { hours: 1 },
    };
    writeFileSync(file, JSON.stringify(project));
    const env = {
      ...process.env,
      RUNPOD_TRAINER_HOME: path.join(folder.path, 'home'),
      RUNPOD_API_KEY: 'rpa_X',
      RUNPOD_REST_URL: 'http://127.0.0.1:1/v2',
    };
    const { stdout, stderr } = spawnSync(process.execPath, [cli, 'check', file, '--json'], { env, encoding: 'utf8' });
    const objects = stdout
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as { findings?: Finding[] });
    assert.ok(objects.length > 10, stdout + stderr);
    return objects.flatMap(({ findings }) => findings ?? []);
  }

  it('of a step that reads what it wrote itself: no local step is named, and nothing is blocked', () => {
    const found = check({ inputs: ['out/ckpt.pt'], outputs: ['out/ckpt.pt'] }, ['src/t.py']);
    assert.deepEqual(
      found.filter((f) => /ckpt/.test(`${f.what} ${f.why}`)),
      [],
    );
  });

  it('of an option in a requirements file: the option, and not the words of a program that nobody called', () => {
    const found = check({}, ['src/t.py'], 'six\n--user\n--upgrade six\n');
    const lines = found.filter((f) => f.id === 'requirements-line').map((f) => f.what);
    assert.deepEqual(
      [...new Set(lines)],
      [
        'src/requirements.txt, line 2 has --user, which pip takes where it is called and not in a file.',
        'src/requirements.txt, line 3 has --upgrade, which pip takes where it is called and not in a file.',
      ],
    );
  });

  it('of "." in a list: it is the whole folder', () => {
    const found = check({}, ['src/t.py'], undefined, ['.']);
    assert.deepEqual(
      found.filter((f) => /missing|not-uploaded/.test(f.id)),
      [],
    );
  });

  it('of names that differ in case or accents: the pod gets all of them', () => {
    const found = check({}, [
      'src/t.py',
      'src/data/Case',
      'src/data/case',
      'src/data/caf\u00e9',
      'src/data/cafe\u0301',
    ]);
    const alike = found.filter((f) => /differ only in case or accents/.test(f.what));
    assert.equal(new Set(alike.map((f) => f.what)).size, 2);
    assert.ok(alike.every((f) => /The pod gets all of them/.test(f.why ?? '')));
    assert.ok(found.every((f) => !/The pod will not have it/.test(f.why ?? '')));
  });
});
