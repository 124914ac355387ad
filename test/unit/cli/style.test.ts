import assert from 'node:assert/strict';
import { columns, makeStyle, printable, printableDeep, table, wrap } from '../../../src/cli/style.ts';
import { cut, fit, textWidth } from '../../../src/cli/width.ts';

describe('texts of the command line', () => {
  it('aligns columns by what is seen of them, colors not counted', () => {
    const { green } = makeStyle(true);
    assert.deepEqual(
      columns([
        ['a', 'b', 'c'],
        [green('long'), '', 'x'],
        ['ö🎵', 'bb', ''],
      ]),
      ['a     b   c', `${green('long')}      x`, 'ö🎵   bb'],
    );
  });

  it('cuts the middle or the end, and wraps between words', () => {
    assert.equal(fit('abcdefghij', 10), 'abcdefghij');
    assert.equal(fit('abcdefghijk', 7), 'abc…ijk');
    assert.equal(cut('abcdefghijk', 7), 'abcdef…');
    assert.deepEqual(wrap('one two three four', 9), ['one two', 'three', 'four']);
    assert.deepEqual(wrap('', 9), []);
    assert.deepEqual(wrap('averyveryverylongword x', 5), ['averyveryverylongword', 'x']);
  });

  it('counts two columns for letters of East Asia and emoji, none for marks, joiners and colors', () => {
    const cases: [string, number][] = [
      ['abc', 3],
      ['日本語', 6],
      ['ｱｲｳ', 3],
      ['한국어', 6],
      ['\u1112\u1161\u11ab', 2],
      ['e\u0301te\u0301', 3],
      ['नमस्ते', 4],
      ['👨‍👩‍👧‍👦', 2],
      ['🇩🇪', 2],
      ['👍🏽', 2],
      ['✓ ok', 4],
      ['❤️', 2],
      ['a\u200bb', 2],
      ['\u001b[1;31m日\u001b[0m', 2],
    ];
    assert.deepEqual(
      cases.map(([text]) => [text, textWidth(text)]),
      cases,
    );
    assert.deepEqual(
      columns([
        ['日本', 'x'],
        ['abcd', 'x'],
        ['e\u0301a👍🏽', 'x'],
      ]),
      ['日本  x', 'abcd  x', 'e\u0301a👍🏽  x'],
    );
  });

  it('cuts between letters, never inside one, and keeps within the width', () => {
    assert.equal(fit('日本語のファイル.parquet', 12), '日本語…rquet');
    assert.equal(cut('日本語', 4), '日…');
    assert.equal(cut('👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 5), '👨‍👩‍👧‍👦👨‍👩‍👧‍👦…');
    for (const width of [1, 2, 3, 5, 8, 13]) {
      for (const text of [
        '日本語のファイル.parquet',
        'e\u0301'.repeat(20),
        '👍🏽'.repeat(9),
        'plain text that is long',
      ]) {
        assert.ok(textWidth(fit(text, width)) <= Math.max(2, width), `${text} in ${width}`);
        assert.ok(textWidth(cut(text, width)) <= width, `${text} in ${width}`);
      }
    }
  });

  it('makes blocks of the rows of a table that is wider than the terminal (R9.3)', () => {
    const rows = [
      ['', 'job', 'state', 'pod'],
      ['!', 'whales-20261122-090000-ab12', 'running', 'CPU pod, 2 vCPU · $0.07/h · running'],
      ['', 'songs-1', 'succeeded', ''],
    ];
    assert.deepEqual(table(rows, 200), columns(rows));
    assert.deepEqual(table(rows), columns(rows));
    const narrow = table(rows, 30);
    assert.deepEqual(narrow, [
      '! whales-20261122-090000-ab12',
      '    state: running',
      '    pod: CPU pod, 2 vCPU ·',
      '    $0.07/h · running',
      ' songs-1',
      '    state: succeeded',
    ]);
    assert.ok(narrow.every((line) => textWidth(line) <= 30));
  });

  it('colors only where asked', () => {
    assert.equal(makeStyle(false).red('x'), 'x');
    assert.equal(makeStyle(true).red('x'), '\u001b[31mx\u001b[39m');
  });
});

describe('what a pod says is harmless on a terminal (security.md)', () => {
  const hostile: [string, string, string][] = [
    ['colors', '\u001b[1;31mred\u001b[0m', 'red'],
    ['cursor moves', 'a\u001b[2J\u001b[1;1Hb', 'a[2J[1;1Hb'],
    ['the clipboard (OSC 52)', '\u001b]52;c;cm0gLXJmIH4=\u0007', ']52;c;cm0gLXJmIH4='],
    ['the title', '\u001b]0;owned\u001b\\', ']0;owned\\'],
    ['8-bit sequences', '\u009b31m\u009d52;c;x\u009c', '31m52;c;x'],
    ['a line over the line', 'real\rfake', 'real fake'],
    ['a forged line', 'x\n✓ rows passed', 'x ✓ rows passed'],
    ['separators that some terminals break at', 'a\u2028b\u0085c', 'a b c'],
    ['right-to-left marks', 'txt\u202egnp.exe\u2066', 'txtgnp.exe'],
    ['null and delete', 'a\u0000\u007fb', 'ab'],
  ];
  for (const [title, text, expected] of hostile) {
    it(title, () => assert.equal(printable(text), expected));
  }

  it('keeps what people write', () => {
    assert.equal(printable('Grün 🎵 日本 50 % ✓ | "x"'), 'Grün 🎵 日本 50 % ✓ | "x"');
    assert.equal(printable('a\tb'), 'a    b');
  });

  it('reaches every string of a value, and splits lines only in lists', () => {
    const value = { 'k\u001bey': ['one\ntwo\u0007', { text: 'x\ny' }], number: 1, nothing: null };
    assert.deepEqual(printableDeep(value), { key: ['one', 'two', { text: 'x y' }], number: 1, nothing: null });
  });
});
