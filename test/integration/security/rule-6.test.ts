import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { JournalReader } from '../../../src/core/journal/reader.ts';
import { World, type Result } from '../jobs/harness.ts';
import { TestProject } from '../jobs/projects.ts';

/** Escape sequences that set the clipboard, make links, clear the screen, rename the window, turn the writing. */
const hostileText = [
  String.raw`\033]52;c;ZXZpbA==\007`,
  String.raw`\033]8;;https://example.org\033\\click\033]8;;\033\\`,
  String.raw`\033[2J\033[H`,
  String.raw`\033]0;title\007`,
  String.raw`\302\233 31m`,
  String.raw`a\rb`,
  String.raw`\342\200\256gpj.exe`,
  String.raw`\000\010`,
].join(' ');

const hostileStep = `
mkdir -p out
printf '${hostileText} harmless\\n'
ln -s /etc/hostname out/link.txt
ln -s / out/root
ln -s ../../../../../.. out/up
mkfifo out/pipe
echo content > 'out/fine.txt'
echo x > "$(printf 'out/line\\nbreak.txt')"
echo x > "$(printf 'out/\\033]52;c;eA==\\007.txt')"
exit 3
`;

const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('rule 6: what comes back from a pod is not trusted', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('rule 6: escapes reach no terminal, and a fetch writes plain files below its folder only', async () => {
    const gate = `import sys; print("\\x1b]52;c;ZXZpbA==\\x07"); sys.stderr.write("\\x1b[2Jgate"); sys.exit(1)`;
    const project = new TestProject(
      world.folder,
      {
        name: 'hostile',
        steps: [
          { name: 'bad', script: 'bad.py' },
          { name: 'never', shell: 'true' },
        ],
        sync: { must: ['code.txt', 'bad.py', 'gate.py'] },
        onFinish: { fetch: ['out/**'] },
      },
      {
        'gate.py': gate,
        'bad.py': `import subprocess, sys\nsys.exit(subprocess.run(["bash", "-c", ${JSON.stringify(hostileStep)}]).returncode)\n`,
      },
    );
    project.changeStep('bad', { gates: [{ type: 'script', script: 'gate.py' }] });
    const run = await world.run(['run', project.file, '--yes']);
    assert.equal(run.code, 1, run.stdout + run.stderr);
    assert.match(run.stdout, /harmless/);
    const [record] = world.records();
    assert.ok(record !== undefined);
    const replays = await Promise.all([
      world.run(['attach', record.job]),
      world.run(['attach', record.job, '--json']),
      world.run(['jobs']),
    ]);
    for (const { stdout, stderr } of [run, ...replays]) {
      const seen = control.exec(stdout + stderr);
      assert.equal(
        seen,
        null,
        JSON.stringify((stdout + stderr).slice((seen?.index ?? 0) - 60, (seen?.index ?? 0) + 60)),
      );
    }
    const last = replays[1].stdout.trimEnd().split('\n').at(-1) ?? '';
    const { results } = JSON.parse(last) as Result;
    assert.ok(results !== undefined, last);
    const entries = readdirSync(results, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      assert.ok(entry.isFile() || entry.isDirectory(), `${file} is ${lstatSync(file).mode.toString(8)}`);
    }
    assert.equal(readFileSync(path.join(results, 'out', 'fine.txt'), 'utf8'), 'content\n');
    assert.deepEqual(readdirSync(project.root).toSorted(), [
      '.runpod-trainer',
      'bad.py',
      'code.txt',
      'gate.py',
      'runpod-results',
      'training.runpod.json',
    ]);
  });

  it('rule 6: a journal cannot fill the memory, claim fields beyond their size or smuggle events in', () => {
    const reader = new JournalReader();
    const before = process.memoryUsage().arrayBuffers;
    const megabyte = Buffer.alloc(1024 * 1024, 120);
    for (let i = 0; i < 200; i++) {
      assert.deepEqual(reader.push(megabyte), []);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024, 'the line is kept in memory');
    const [long] = reader.push(Buffer.from('\n'));
    assert.equal(long?.type, 'bad-line');
    const line = (event: object): Buffer => Buffer.from(`${JSON.stringify(event)}\n`);
    const envelope = { epoch: 1, seq: 1, time: '2026-11-22T00:00:00Z' };
    for (const event of [
      { ...envelope, type: 'watchdog', armed: true, detail: 'x'.repeat(20_001), deadline: null },
      { ...envelope, type: 'job.finished', status: 'excellent', reason: null },
      { ...envelope, type: 'not.an.event' },
      { ...envelope, seq: -1, type: 'watchdog', armed: true, detail: '', deadline: null },
    ]) {
      assert.deepEqual(
        reader.push(line(event)).map((e) => e.type),
        ['bad-line'],
        event.type,
      );
    }
  });
});
