import assert from 'node:assert/strict';
import { applyEdits } from 'jsonc-parser';
import { goneEdits, withGoneAnswer } from '../../../src/core/project/gone.ts';
import { parseProject } from '../../../src/core/project/parse.ts';
import { applyProfile } from '../../../src/core/project/profile.ts';

const target = '"target": { "volume": { "name": "v" }, "gpus": ["NVIDIA L4"], "image": "i" }';
const plain = `{
  // What it is.
  "version": 1, "name": "t", ${target},
  "steps": [{ "name": "a", "shell": "true" }],
}`;

function changed(
  text: string,
  ...more: [profile: string | undefined, answer: 'remove' | 'keep', patterns: string[]][]
): string {
  return more.reduce(
    (now, [profile, answer, patterns]) => applyEdits(now, goneEdits(now, profile, answer, patterns)),
    text,
  );
}

describe('the answer about data that is gone, in the project file (R2.5)', () => {
  it('is added to what stands there, and comments stay', () => {
    const text = changed(
      plain,
      [undefined, 'keep', ['data/a.csv']],
      [undefined, 'keep', ['b', 'data/a.csv']],
      [undefined, 'remove', ['c/']],
    );
    assert.match(text, /\/\/ What it is\./);
    assert.deepEqual(parseProject(text).project?.sync.gone, { keep: ['data/a.csv', 'b'], remove: ['c/'] });
  });

  it('goes where the profile of the run reads it', () => {
    const own = plain.replace(
      '"steps"',
      '"profiles": { "p": { "sync": { "gone": { "keep": ["x"] } } }, "q": {} }, "steps"',
    );
    const inProfile = parseProject(changed(own, ['p', 'keep', ['y']])).project;
    assert.deepEqual(inProfile?.profiles['p']?.sync?.gone, { keep: ['x', 'y'], remove: [] });
    assert.equal(inProfile.sync.gone, undefined);
    const elsewhere = parseProject(changed(own, ['q', 'remove', ['y']])).project;
    assert.deepEqual(elsewhere && applyProfile(elsewhere, 'q').sync.gone, { keep: [], remove: ['y'] });
    assert.deepEqual(elsewhere && applyProfile(elsewhere, 'p').sync.gone, { keep: ['x'], remove: [] });
  });

  it('holds for the run that asked, before the file is read again', () => {
    const { project } = parseProject(plain);
    assert.ok(project);
    const once = withGoneAnswer(project, 'keep', ['a']);
    assert.deepEqual(withGoneAnswer(once, 'remove', ['b']).sync.gone, { keep: ['a'], remove: ['b'] });
  });
});
