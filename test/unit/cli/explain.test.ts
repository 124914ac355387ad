import assert from 'node:assert/strict';
import { explanationText, unexplainedText } from '../../../src/cli/explain.ts';
import { explain } from '../../../src/core/guards/explain/index.ts';
import { makeStyle } from '../../../src/cli/style.ts';
import { failed } from '../guards/explain/evidence.ts';

const shape = { style: makeStyle(false), width: 100, hints: () => [] };
const survived = [
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.',
  'retrying with half the batch',
];
const traceback = (line: string) => ['Traceback (most recent call last):', '  File "a.py", line 1, in <module>', line];

describe('explain in the terminal (R7.4)', () => {
  it('tells the error where nothing is recognised, and apart from it what was survived', () => {
    const text = unexplainedText(
      { job: 'songs-1', reason: 'It ended with exit code 1.' },
      failed([...survived, ...traceback('ValueError: no color Green')]),
      shape,
    );
    assert.match(text, /^songs-1 is failed\. It ended with exit code 1\. No known cause was recognised\.\n/);
    assert.match(text, /^Error {5}ValueError: no color Green$/m);
    assert.match(text, /^Survived {2}torch\.OutOfMemoryError: CUDA out of memory\./m);
    assert.match(text, /The last lines of its step:\n(?:.*\n)+ {2}ValueError: no color Green$/);
  });

  it('is not flooded by a line that is a whole file, nor by what a terminal obeys', () => {
    const log = traceback(`ValueError: \u001b[2J\u001b]0;title\u0007${'x'.repeat(100_000)}`);
    const text = unexplainedText({ job: 'songs-1', reason: 'y'.repeat(9000) }, failed(log), shape);
    assert.ok(text.length < 2500, String(text.length));
    assert.ok(!text.includes('\u001b') && !text.includes('\u0007'));
  });

  it('says one line where there is one, and nothing of lines where there is none', () => {
    assert.match(
      unexplainedText({ job: 'j' }, failed(['all well']), shape),
      /The last line of its step:\n {2}all well$/,
    );
    assert.equal(unexplainedText({ job: 'j' }, failed([]), shape), 'j is failed. No known cause was recognised.');
  });

  it('shows beside a cause what was survived', () => {
    const seen = explain(failed([...survived, ...traceback("ModuleNotFoundError: No module named 'evaluate'")]));
    assert.ok(seen !== undefined);
    const text = explanationText({ job: 'j', file: 'a.runpod.json' }, seen, undefined, shape);
    assert.match(text, /^Seen {6}ModuleNotFoundError: .*\nSurvived {2}torch\.OutOfMemoryError: /m);
  });
});
