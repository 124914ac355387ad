import assert from 'node:assert/strict';
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changedSince, gatePlace, linePlace } from '../../../../src/core/guards/explain/index.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { useTempFolder } from '../../../support/temp.ts';
import { failed, project } from './evidence.ts';

const gates = ['passed', 'failed'].map((status, index) => ({
  index,
  type: 'rows',
  title: 'rows',
  status: status as 'passed' | 'failed',
  expected: '= 2',
  seen: '1',
  message: null,
  evidence: {},
}));

describe('where a failure lies (R4.6)', () => {
  it('a gate is found in the project file, unless it is not there any more', () => {
    const evidence = failed([], { step: { gates } });
    const two = { gates: gates.map(() => ({ type: 'rows', path: 'a.parquet', equals: 2 })) };
    assert.deepEqual(gatePlace(evidence, project(two)), ['steps', 0, 'gates', 1]);
    assert.equal(gatePlace(evidence, project()), undefined);
    assert.equal(gatePlace(evidence, undefined), undefined);
    assert.equal(gatePlace(failed([]), project(two)), undefined);
  });

  it('the line of code is the last one of a traceback that lies in the project', () => {
    const log = [
      '  File "/workspace/projects/p/train.py", line 3, in <module>',
      '  File "/workspace/projects/p/src/net.py", line 42, in forward',
      '  File "/usr/lib/python3/dist-packages/torch/nn.py", line 9, in call',
      'ValueError: no',
    ];
    assert.deepEqual(linePlace(log, '/home/me/p', '/workspace/projects/p'), {
      file: '/home/me/p/src/net.py',
      line: 42,
    });
    assert.deepEqual(linePlace(['  File "train.py", line 7'], '/home/me/p', undefined), {
      file: '/home/me/p/train.py',
      line: 7,
    });
  });

  it('nothing outside the project is ever named: a log is not trusted', () => {
    for (const path of [
      '/etc/passwd',
      '../../.ssh/id_ed25519',
      '/workspace/projects/p/../../../etc/passwd',
      '<stdin>',
    ]) {
      assert.equal(linePlace([`File "${path}", line 1`], '/home/me/p', '/workspace/projects/p'), undefined, path);
    }
  });
});

describe('what was changed since a job ended (R4.6)', () => {
  const folder = useTempFolder();

  it('is named, and nothing else is', async () => {
    const root = folder.path;
    await mkdir(join(root, 'src'));
    const file = join(root, 'training.runpod.json');
    await writeFile(join(root, 'src', 'train.py'), '1');
    await writeFile(join(root, 'src', 'net.py'), '1');
    await writeFile(join(root, 'notes.txt'), '1');
    await writeFile(
      file,
      JSON.stringify({
        version: 1,
        name: 'p',
        target: { volume: { name: 'p', dataCenter: 'US-MD-1', size: 20 }, gpus: ['NVIDIA L4'], image: 'x:1' },
        sync: { must: ['src/'] },
        steps: [{ name: 'train', script: 'src/train.py', gates: [] }],
      }),
    );
    const ended = Date.now() - 60_000;
    const before = new Date(ended - 60_000);
    for (const name of ['training.runpod.json', 'src/train.py', 'src/net.py']) {
      await utimes(join(root, name), before, before);
    }
    const loaded = await loadProject(file);
    assert.deepEqual(await changedSince(loaded, ended), []);
    await writeFile(join(root, 'src', 'net.py'), '2');
    assert.deepEqual(await changedSince(loaded, ended), ['src/net.py']);
    await writeFile(file, await import('node:fs/promises').then((fs) => fs.readFile(file)));
    assert.deepEqual(await changedSince(loaded, ended), ['training.runpod.json', 'src/net.py']);
    await symlink('/nowhere', join(root, 'src', 'broken'));
    assert.equal(await changedSince({ ...loaded, file: join(root, 'gone.runpod.json') }, ended), undefined);
  });
});
