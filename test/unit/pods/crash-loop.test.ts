import assert from 'node:assert/strict';
import { countStarts, noStarts, type Starts } from '../../../src/core/pods/crash-loop.ts';

const read = (...lines: string[]): Starts =>
  lines.reduce<Starts>((starts, text) => {
    const [source = '', line = ''] = text.split(/: (.*)/s);
    return countStarts(starts, { source, line });
  }, noStarts);

const start = 'system: start container for runpod/pytorch:1.0.2: begin';

describe('crash loop (R1.6)', () => {
  it('counts how often the container was started, and keeps what it printed last', () => {
    const seen = read('system: create container x', start, 'container: a', start, 'container: b', start);
    assert.deepEqual(seen, { count: 3, lines: ['a', 'b'] });
    assert.deepEqual(read(...Array.from({ length: 9 }, (_, i) => `container: ${i}`)).lines, ['4', '5', '6', '7', '8']);
  });

  it('begins anew when the container is made anew: an edit or a restart is no crash', () => {
    assert.equal(read(start, start, 'system: stop container', 'system: remove container', start).count, 1);
    assert.equal(read(start, start, 'system: create container x', start).count, 1);
  });

  it('does not take a line of the pod itself, or of a pull, for a start', () => {
    assert.equal(read('container: start container for me', 'system: x Pulling from registry').count, 0);
  });
});
