import assert from 'node:assert/strict';
import { columns, cut, fit, makeStyle, printable, printableDeep, wrap } from '../../../src/cli/style.ts';

describe('texts of the command line', () => {
  it('aligns columns by what is seen of them, colors not counted', () => {
    const { green } = makeStyle(true);
    assert.deepEqual(
      columns([
        ['a', 'b', 'c'],
        [green('long'), '', 'x'],
        ['ö🎵', 'bb', ''],
      ]),
      ['a     b   c', `${green('long')}      x`, 'ö🎵    bb'],
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
