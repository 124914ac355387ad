import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { AfterMarker, newMarker, printMarker } from '../../../src/core/ssh/marker.ts';

const marker = newMarker();

/** What is left of the pieces, and the noise. */
function read(pieces: readonly string[]): { own: string; noise: string; seen: boolean } {
  const output = new AfterMarker(marker);
  const own = pieces.map((piece) => output.take(Buffer.from(piece)).toString()).join('');
  return { own, noise: output.noise, seen: output.seen };
}

describe('the marker before a far command', () => {
  const line = `\n${marker}\n`;

  it('drops what stands before it, with and without an end of line, and nothing of what follows', () => {
    assert.deepEqual(read([`${line}out\n`]), { own: 'out\n', noise: '', seen: true });
    assert.deepEqual(read([`Welcome\n${line}\n\nout`]), { own: '\n\nout', noise: 'Welcome', seen: true });
    assert.deepEqual(read([`no end${line}`]), { own: '', noise: 'no end', seen: true });
    assert.deepEqual(read([`a${line}b${line}c`]), { own: `b${line}c`, noise: 'a', seen: true });
  });

  it('is found wherever the pieces are cut', () => {
    const whole = `noise${line}own${line}`;
    for (let cut = 0; cut <= whole.length; cut += 1) {
      assert.deepEqual(read([whole.slice(0, cut), whole.slice(cut)]), {
        own: `own${line}`,
        noise: 'noise',
        seen: true,
      });
    }
    assert.equal(read(Array.from(whole)).own, `own${line}`);
  });

  it('is not what a trace of the shell shows of it', () => {
    const trace = `+ exec sh -c 'printf' ${marker} python3\n`;
    assert.deepEqual(read([trace, line, 'x']), { own: 'x', noise: trace.trim(), seen: true });
    assert.deepEqual(read([trace, `${marker}x`]), { own: '', noise: `${trace}${marker}x`.trim(), seen: false });
  });

  it('keeps the end of long noise, and finds noise without end', () => {
    const output = new AfterMarker(marker);
    const piece = Buffer.alloc(1024 * 1024, 'x');
    for (let n = 0; n < 17; n += 1) {
      assert.equal(output.endless, false);
      assert.equal(output.take(piece).length, 0);
    }
    assert.equal(output.endless, true);
    assert.ok(output.noise.length < 3000);
  });

  it('is printed by any shell as it is expected', () => {
    const out = execFileSync('sh', ['-c', `${printMarker}; printf end`, marker], { encoding: 'utf8', stdio: 'pipe' });
    assert.deepEqual(read([out]), { own: 'end', noise: '', seen: true });
  });
});
