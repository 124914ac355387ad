import assert from 'node:assert/strict';
import { JournalReader } from '../../../src/core/journal/reader.ts';

function line(epoch: number, seq: number, text: string): string {
  const event = { epoch, seq, time: '2026-01-01T00:00:00.000Z', type: 'log', step: null, stream: 'out', lines: [text] };
  return `${JSON.stringify(event)}\n`;
}

/** A small generator with a seed, so that a failing case can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('journal reader (R3.4)', () => {
  it('gives every event once, whatever the pieces and however often the link is cut', () => {
    const all = Buffer.from(Array.from({ length: 60 }, (_, i) => line(1, i + 1, `Zeile ${i} äöü 🎵`)).join(''));
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed);
      const reader = new JournalReader();
      const seen: number[] = [];
      let position = 0;
      while (position < all.length) {
        const piece = all.subarray(position, position + 1 + Math.floor(next() * 300));
        for (const event of reader.push(piece)) {
          assert.ok(event.type === 'log', `seed ${seed}`);
          seen.push(event.seq);
        }
        position += piece.length;
        if (next() < 0.3) {
          // The link is cut: a new one starts at the last whole line.
          reader.restart();
          position = reader.offset;
        }
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 60 }, (_, i) => i + 1),
        `seed ${seed}`,
      );
      assert.equal(reader.offset, all.length);
    }
  });

  it('reports a gap and goes on', () => {
    const reader = new JournalReader();
    const events = reader.push(Buffer.from(line(1, 1, 'a') + line(1, 3, 'c')));
    assert.deepEqual(
      events.map((e) => e.type),
      ['log', 'bad-line', 'log'],
    );
  });

  it('accepts a new epoch only from its first event', () => {
    const reader = new JournalReader();
    assert.equal(reader.push(Buffer.from(line(1, 1, 'a') + line(2, 1, 'b'))).length, 2);
    assert.equal(reader.push(Buffer.from(line(3, 2, 'c'))).filter((e) => e.type === 'bad-line').length, 1);
  });

  it('does not believe lines that are not events', () => {
    const reader = new JournalReader();
    const hostile = ['not json\n', '{"type":"log"}\n', `{"epoch":1,"seq":1,"time":"x","type":"rm -rf"}\n`];
    const events = reader.push(Buffer.from(hostile.join('')));
    assert.deepEqual(
      events.map((e) => e.type),
      ['bad-line', 'bad-line', 'bad-line'],
    );
  });

  it('does not keep a line that never ends, and reads on after it', () => {
    const reader = new JournalReader();
    const piece = Buffer.alloc(1024 * 1024, 0x78);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 64; i++) {
      assert.deepEqual(reader.push(piece), []);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    const events = reader.push(Buffer.from(`\n${line(1, 1, 'a')}`));
    assert.deepEqual(
      events.map((e) => e.type),
      ['bad-line', 'log'],
    );
    assert.match(events[0]?.type === 'bad-line' ? events[0].message : '', /67108864 bytes is longer/);
    assert.equal(reader.offset, 64 * piece.length + 1 + line(1, 1, 'a').length);
  });

  it('reads the long events of earlier workers, which cut lines at 8192 characters and told how many more', () => {
    const cut = `${'x'.repeat(8192)}… (12345 more characters)`;
    const event = { epoch: 1, seq: 1, time: '2026-01-01T00:00:00.000Z', type: 'log', step: null, stream: 'out' };
    const text = `${JSON.stringify({ ...event, lines: Array<string>(500).fill(cut) })}\n`;
    const [read] = new JournalReader().push(Buffer.from(text));
    assert.equal(read?.type === 'log' ? read.lines.length : read?.type, 500);
  });
});
