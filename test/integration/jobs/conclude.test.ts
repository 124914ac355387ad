import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { World, type Cli, type Result } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

function waiting(world: World, name: string): TestProject {
  return new TestProject(world.folder, {
    name,
    steps: [{ name: 'wait', shell: `echo kept > out.txt; ${untilGo}`, gates: [{ type: 'file', path: 'go' }] }],
    onFinish: { fetch: ['out.txt'] },
  });
}

async function go(world: World, project: TestProject): Promise<void> {
  const volume = await world.volume('tests');
  writeFileSync(path.join(volume, 'projects', path.basename(project.root), 'go'), 'go\n');
}

const fetches = (cli: Cli): unknown[] =>
  cli.told().filter((t) => t.type === 'phase' && /^Bringing results home/.test(String(t.text)));
const resultOf = (cli: Cli): Result => cli.told().findLast((t) => t.type === 'result') as Result;

describe('two clients at the end of one job (R3.4)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('fetch its results once, end its pod once and say the same', async () => {
    const project = waiting(world, 'shared');
    const first = world.start(['run', project.file, '--yes', '--json']);
    await first.says('line 50');
    const second = world.start(['attach', '--json']);
    const third = world.start(['attach', '--json']);
    await Promise.all([second.says('line 50'), third.says('line 50')]);
    await go(world, project);
    const all = [first, second, third];
    for (const { code, stdout, stderr } of await Promise.all(all.map((cli) => cli.ended))) {
      assert.equal(code, 0, stdout + stderr);
    }
    assert.equal(all.flatMap(fetches).length, 1);
    assert.equal(world.requests.filter((r) => r.method === 'DELETE' && r.path.startsWith('/v2/pods/')).length, 1);
    const [one, ...others] = all.map((cli) => {
      const { job, outcome, results, podEnded, steps } = resultOf(cli);
      return { job, outcome, results, podEnded, steps };
    });
    for (const other of others) {
      assert.deepEqual(other, one);
    }
    assert.equal(readFileSync(path.join(one?.results ?? '', 'out.txt'), 'utf8'), 'kept\n');
    assert.ok(!existsSync(path.join(world.home, 'jobs', one?.job ?? '', 'conclude.lock')));
  });

  it('are not kept waiting by one that was killed while it concluded', async () => {
    const project = waiting(world, 'orphaned');
    const client = world.start(['run', project.file, '--yes', '--json']);
    await client.says('line 50');
    const [record] = world.records();
    const pid = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }));
    const lock = path.join(world.home, 'jobs', record?.job ?? '', 'conclude.lock');
    writeFileSync(lock, JSON.stringify({ host: hostname(), pid }));
    await go(world, project);
    const { code, stdout, stderr } = await client.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.equal(fetches(client).length, 1);
    assert.ok(!existsSync(lock));
  });
});
