import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../../src/core/contract.ts';
import type { JobEvent } from '../../src/core/journal/events.ts';
import { JournalReader } from '../../src/core/journal/reader.ts';
import { seeded } from '../support/random.ts';
import { useTempFolder } from '../support/temp.ts';
import { root } from './folder.ts';

const python = process.env['RUNPOD_TRAINER_PYTHON'] ?? 'python3';

/** The real worker runs shell steps; its journal is read as the client reads it, and nothing may be refused. */
function eventsOf(folder: string, steps: { name: string; command: string }[]): JobEvent[] {
  const job = join(folder, 'job');
  mkdirSync(job, { recursive: true });
  const spec = {
    schema: limits.specSchemaNumber,
    job: 'job-1',
    project: 'p',
    paths: { project: folder, mount: folder },
    python,
    steps: steps.map(({ name, command }) => ({ name, where: 'local', run: { kind: 'shell', command } })),
  };
  writeFileSync(join(job, 'spec.json'), JSON.stringify(spec));
  const done = spawnSync(python, [join(root, 'gpu-worker'), 'run', '--job-dir', job], {
    input: '',
    maxBuffer: 1024 ** 3,
  });
  const journal = readFileSync(join(job, 'events.jsonl'));
  const longest = Math.max(
    ...journal
      .toString('latin1')
      .split('\n')
      .map(({ length }) => length),
  );
  assert.ok(longest <= limits.eventLineBytes, `a line of ${longest} bytes`);
  const events = new JournalReader().push(journal);
  assert.deepEqual(
    events.filter(({ type }) => type === 'bad-line'),
    [],
  );
  assert.equal(done.status, 0, done.stderr.toString());
  assert.ok(done.stdout.equals(journal), 'what a client hears is the journal');
  return events as JobEvent[];
}

function linesOf(events: JobEvent[], step: string): string[] {
  return events.flatMap((event) => (event.type === 'log' && event.step === step ? event.lines : []));
}

/** Compared one by one: a difference of a hundred megabytes tells nobody anything. */
function assertSame(seen: readonly string[], expected: readonly string[], what: string): void {
  const first = expected.findIndex((line, n) => seen[n] !== line);
  assert.equal(first, -1, `${what}: line ${first} is ${JSON.stringify(seen[first]?.slice(0, 99))}`);
  assert.equal(seen.length, expected.length, what);
}

describe('events of the real worker, read by the client (R3.4)', function () {
  this.timeout(120_000);
  const temp = useTempFolder();

  it('brings every line, whatever it holds', () => {
    const kinds: Record<string, (n: number) => string> = {
      rows: (n) => JSON.stringify({ n, tokens: Array.from({ length: 300 }, (_, i) => `"t${i}"`) }),
      chinese: (n) => `${n} ${'你好世界'.repeat(1000)}`,
      quotes: (n) => `${n} ${'"\\'.repeat(2000)}`,
      emoji: (n) => `${n} ${'🎵👩‍🚀'.repeat(800)}`,
      control: (n) => `${n} ${'\u001b[31m\t\u001b[0m'.repeat(600)}\u2028\u00ad`,
      short: (n) => `${n}`,
    };
    const expected: Record<string, string[]> = {};
    for (const [name, line] of Object.entries(kinds)) {
      expected[name] = Array.from({ length: 1500 }, (_, n) => line(n));
      writeFileSync(join(temp.path, `${name}.txt`), `${expected[name].join('\n')}\n`);
    }
    const steps = Object.keys(kinds).map((name) => ({ name, command: `cat ${name}.txt` }));
    const events = eventsOf(temp.path, steps);
    for (const [name, lines] of Object.entries(expected)) {
      assertSame(linesOf(events, name), lines, name);
    }
  });

  it('brings lines of any length and any characters, or says how much of one is missing', () => {
    const characters = ['a', '"', '\\', '\t', 'é', '你', '\u2028', '🎵', '{"k":', '\u001b[1m', ' '];
    const steps = [];
    const written: Record<string, string[]> = {};
    for (let seed = 1; seed <= 6; seed++) {
      const { of, pick } = seeded(seed);
      const kinds = characters.filter(() => of(3) > 0).concat('a');
      const lines = Array.from({ length: 300 }, () => {
        const length = pick([0, 3, 100, 2000, limits.logLineCharacters, 9000]);
        const some = Array.from({ length: 50 }, () => pick(kinds)).join('');
        return Array.from(some.repeat(Math.ceil(length / 50)))
          .slice(0, length)
          .join('');
      });
      const name = `seed-${seed}`;
      written[name] = lines;
      writeFileSync(join(temp.path, `${name}.txt`), lines.map((line) => `${line}\n`).join(''));
      steps.push({ name, command: `cat ${name}.txt` });
    }
    const events = eventsOf(temp.path, steps);
    for (const [name, lines] of Object.entries(written)) {
      const seen = linesOf(events, name);
      assert.equal(seen.length, lines.length, name);
      for (const [n, line] of lines.entries()) {
        const cut = /^([^]*)… \((\d+) more characters\)$/.exec(seen[n] ?? '');
        const length = Array.from(line).length;
        if (length <= limits.logLineCharacters) {
          assert.ok(seen[n] === line, `${name}, line ${n}`);
        } else {
          assert.ok(cut !== null && line.startsWith(cut[1]!), `${name}, line ${n}`);
          assert.equal(Array.from(cut[1]!).length + Number(cut[2]), length, `${name}, line ${n}`);
        }
      }
    }
  });

  it('tells a command and metrics that are too long for an event', () => {
    const command = `: '${'"你'.repeat(30_000)}'\nprintf '{"%s": 1, "ok": 2}\\n' "$(head -c 5000 /dev/zero | tr '\\0' m)" >> $RUNPOD_TRAINER_METRICS`;
    const events = eventsOf(temp.path, [{ name: 'long', command }]);
    const started = events.find((event) => event.type === 'step.started');
    assert.match(started?.argv.at(-1) ?? '', /… \(\d+ more characters\)$/);
    const metrics = events.flatMap((event) => (event.type === 'metric' ? Object.entries(event.values) : []));
    assert.deepEqual(
      metrics.find(([name]) => name === 'ok'),
      ['ok', 2],
    );
    assert.ok(metrics.some(([name, value]) => /^m+… \(\d+ more characters\)$/.test(name) && value === 1));
  });
});
