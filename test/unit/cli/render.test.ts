import assert from 'node:assert/strict';
import { Renderer } from '../../../src/cli/render.ts';
import { makeStyle } from '../../../src/cli/style.ts';
import type { GateResult, JobEvent } from '../../../src/core/journal/events.ts';
import { JournalReader } from '../../../src/core/journal/reader.ts';
import type { RunEvent } from '../../../src/core/journal/run-event.ts';

/** A screen that keeps what is written. */
function screen(interactive: boolean, columns = 80): { renderer: Renderer; text: () => string } {
  let text = '';
  const write = (more: string): void => void (text += more);
  const renderer = new Renderer({ write, interactive, width: () => columns }, makeStyle(interactive));
  return { renderer, text: () => text };
}

const base = { epoch: 1, time: '2026-01-01T00:00:00.000Z' };

const asJob = (event: JobEvent): RunEvent => ({ type: 'job', side: 'pod', replay: false, event });

/** Escape sequences that this program itself uses: colors, and erasing its own moving line. */
const own = /\u001b\[[0-9;]*m|\r\u001b\[K/g;

describe('the live output (R3.4)', () => {
  it('lets nothing through that a pod could make a terminal do', () => {
    const evil = 'x\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u009b1A\r\n✓ forged\u202e';
    const gate: GateResult = {
      index: 0,
      type: evil,
      title: evil,
      status: 'failed',
      expected: evil,
      seen: evil,
      message: evil,
      evidence: {},
    };
    const host = { python: evil, cpus: 1, memoryBytes: null, gpus: [evil] };
    const events: JobEvent[] = [
      {
        ...base,
        seq: 1,
        type: 'job.started',
        job: evil,
        project: evil,
        podId: evil,
        host,
        steps: [],
        capSeconds: null,
      },
      { ...base, seq: 2, type: 'watchdog', armed: true, detail: evil, deadline: evil },
      { ...base, seq: 3, type: 'step.local', step: evil, status: 'passed', seconds: 1, gates: [gate] },
      { ...base, seq: 4, type: 'step.skipped', step: evil, why: evil, gates: [] },
      { ...base, seq: 5, type: 'step.started', step: evil, index: 1, of: 1, why: [evil], argv: [evil] },
      { ...base, seq: 6, type: 'log', step: evil, stream: 'out', lines: [evil] },
      { ...base, seq: 7, type: 'gate', step: evil, gate },
      { ...base, seq: 8, type: 'step.finished', step: evil, status: 'failed', exitCode: 1, seconds: 1, reason: evil },
      { ...base, seq: 9, type: 'note', level: 'error', text: evil },
    ];
    for (const interactive of [true, false]) {
      const { renderer, text } = screen(interactive);
      events.map(asJob).forEach((event) => renderer.show(event));
      renderer.show({ type: 'warning', text: evil });
      renderer.show({ type: 'refused', hardware: evil, reason: evil });
      renderer.show({ type: 'link', state: 'waiting', text: evil });
      renderer.show({ type: 'host-key', fingerprint: evil, checkedBy: evil });
      renderer.show({ type: 'pod', podId: evil, name: evil, hardware: evil, costPerHour: 1, reused: false });
      const left = text().replace(own, '');
      assert.doesNotMatch(left, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      assert.doesNotMatch(left, /^✓ forged/m, 'a line of a pod must not look like one of this program');
      assert.match(left, /forged/);
    }
  });

  it('says from which checkpoint a step goes on (R3.5), and that an output is missing beside a gate that fails (R3.8)', () => {
    const { renderer, text } = screen(false);
    const gate = {
      index: 0,
      type: 'file',
      title: 'file x',
      status: 'error',
      expected: '',
      seen: '',
      message: 'No file.',
    };
    const why = ['its last attempt did not finish, and it goes on from out/checkpoint-200'];
    const reason = 'It declares out/model.bin among its outputs and wrote no such file.';
    const events: Record<string, unknown>[] = [
      { type: 'step.started', step: 's', index: 1, of: 1, why, argv: [], resumeFrom: 'out/checkpoint-200' },
      { type: 'gate', step: 's', gate: { ...gate, evidence: {} } },
      { type: 'step.finished', step: 's', status: 'failed', exitCode: 0, seconds: 1, reason },
    ];
    for (const [i, event] of events.entries()) {
      renderer.show(asJob({ ...base, seq: i + 1, ...event } as JobEvent));
    }
    assert.match(text(), /s \(1\/1\): .*goes on from out\/checkpoint-200/);
    assert.match(text(), /s failed after 1 s: It declares out\/model\.bin/);
  });

  it('survives a journal that is not one: every bad line is one short warning', () => {
    const reader = new JournalReader();
    const lines = ['{', '[]', '{"type":"log"}', `{"type":"${'x'.repeat(10_000)}"}`, 'null', '\u0000'];
    const told = reader.push(Buffer.from(lines.map((line) => `${line}\n`).join('')));
    assert.deepEqual(
      told.map((t) => t.type),
      lines.map(() => 'bad-line'),
    );
    for (const line of told) {
      assert.ok(line.type === 'bad-line' && line.message.length < 300);
    }
  });

  it('cuts a line of a moving transfer so that it never wraps', () => {
    const { renderer, text } = screen(true, 60);
    const file = `${'deep/'.repeat(40)}file.parquet`;
    const transfer = { type: 'transfer', direction: 'up', file, filesTotal: 9, bytesTotal: 9e6 } as const;
    renderer.show({ ...transfer, files: 1, bytes: 1e6 });
    const moving = text().replace('\r\u001b[K', '');
    assert.ok(moving.length < 60 && moving.includes('1/9 files'), moving);
    renderer.show({ ...transfer, files: 9, bytes: 9e6 });
    assert.ok(text().endsWith('\r\u001b[K  ↑ 9/9 files · 9 MB of 9 MB\n'));
  });

  it('in a log file a transfer is a line, and each try of a broken link is told', () => {
    const { renderer, text } = screen(false);
    const transfer = { type: 'transfer', direction: 'down', file: 'x', filesTotal: 10, bytesTotal: 1000 } as const;
    for (let i = 0; i <= 1000; i++) {
      renderer.show({ ...transfer, files: Math.floor(i / 100), bytes: i });
    }
    renderer.show({ ...transfer, files: 10, bytes: 1000 });
    for (let i = 0; i < 20; i++) {
      renderer.show({ type: 'link', state: 'lost', text: `Last seen just now; reconnecting in ${i} s` });
    }
    renderer.show({ type: 'link', state: 'live', text: 'Connected to the pod' });
    const lines = text().trimEnd().split('\n');
    assert.ok(lines.length <= 24, text());
    assert.equal(lines.filter((l) => l.includes('10/10 files')).length, 1);
    assert.equal(lines.filter((l) => l.includes('Last seen')).length, 20);
    assert.equal(lines.at(-1), '  Connected to the pod');
    assert.ok(!text().includes('\u001b') && !text().includes('\r'));
  });

  it('says once why a gate does not hold', () => {
    const { renderer, text } = screen(false);
    const gate: GateResult = {
      index: 0,
      type: 'rows',
      title: 'rows of a.parquet',
      status: 'failed',
      expected: '= 2',
      seen: '1',
      message: 'It has 1 row.',
      evidence: {},
    };
    renderer.show(asJob({ ...base, seq: 1, type: 'gate', step: 's', gate }));
    const reason = "Gate 'rows of a.parquet' does not hold: It has 1 row.";
    const finished = { ...base, type: 'step.finished', step: 's', exitCode: 0, seconds: 1, reason } as const;
    renderer.show(asJob({ ...finished, seq: 2, status: 'failed' }));
    renderer.show(asJob({ ...finished, seq: 3, status: 'timeout', reason: 'It took too long.' }));
    assert.equal(
      text(),
      '  ✗ rows of a.parquet: 1 (= 2)\n    It has 1 row.\n✗ s failed after 1 s\n✗ s ran out of time after 1 s: It took too long.\n',
    );
  });
});
