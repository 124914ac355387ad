import assert from 'node:assert/strict';
import { countIs, firstNames, isLeftOut, scanNoteText, type ScanNote } from '../../../src/core/words/index.ts';

describe('sentences of what a search for files met (R2.2)', () => {
  const notes: [ScanNote, RegExp][] = [
    [{ code: 'not-regular', path: 'p' }, /^p is not a regular file and was left out\.$/],
    [{ code: 'not-unicode', path: 'p' }, /^The name of p is not valid Unicode; it was left out\.$/],
    [{ code: 'link-to-nothing', path: 'p' }, /^p is a link to nothing and was left out\.$/],
    [{ code: 'link-outside', path: 'p' }, /^p is a link out of the project and was left out\.$/],
    [
      { code: 'link-to-excluded', path: 'p', to: 'q', rule: 'the rule "q" of "sync.never"' },
      /^p is a link to q and was left out by the rule "q" of "sync\.never"\.$/,
    ],
    [{ code: 'link-to-other', path: 'p' }, /^p is a link to something that is not a regular file and was left out\.$/],
    [{ code: 'link-in-circle', path: 'p' }, /^p is a link to a folder that contains it and was left out\.$/],
    [{ code: 'names-alike', path: 'a', other: 'A' }, /^A and a differ only in case or accents: /],
    [{ code: 'more-names-alike', count: 1 }, /^1 more name differs only/],
    [{ code: 'more-names-alike', count: 2 }, /^2 more names differ only/],
  ];

  it('say what it is and whether it was left out', () => {
    for (const [note, text] of notes) {
      assert.match(scanNoteText(note), text);
      assert.equal(/left out/.test(scanNoteText(note)), isLeftOut(note), note.code);
    }
  });
});

describe('numbers and names in sentences', () => {
  it('know one from many', () => {
    assert.deepEqual(
      [countIs(1, 'name'), countIs(0, 'name'), countIs(1200, 'name')],
      ['1 name is', '0 names are', '1,200 names are'],
    );
  });

  it('name the first of many and how many more there are', () => {
    assert.equal(firstNames(['a', 'b"']), '"a", "b\\""');
    assert.equal(firstNames(['a', 'b', 'c'], 2), '"a", "b" and 1 more');
  });
});
