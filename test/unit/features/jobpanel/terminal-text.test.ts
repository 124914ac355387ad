import assert from 'node:assert/strict';
import { parseLine, plainLine } from '../../../../src/messages/terminal-text.ts';

describe('a line of a terminal (security rule 6)', () => {
  it('becomes pieces with their colors and weights', () => {
    assert.deepEqual(parseLine('a\u001b[1;31mb\u001b[0mc\u001b[38;5;208md\u001b[48;2;1;2;3me\u001b[39;49mf'), [
      { text: 'a', look: {} },
      { text: 'b', look: { bold: true, color: 1 } },
      { text: 'c', look: {} },
      { text: 'd', look: { color: '#ff8700' } },
      { text: 'e', look: { color: '#ff8700', background: '#010203' } },
      { text: 'f', look: {} },
    ]);
  });

  it('knows bright colors, the palette, colons, inversion and what takes a weight away', () => {
    assert.deepEqual(parseLine('\u001b[97;104mx')[0]?.look, { color: 15, background: 12 });
    assert.deepEqual(parseLine('\u001b[38;5;9mx')[0]?.look, { color: 9 });
    assert.deepEqual(parseLine('\u001b[38;5;244mx')[0]?.look, { color: '#808080' });
    assert.deepEqual(parseLine('\u001b[38:2::10:20:30mx')[0]?.look, { color: '#0a141e' });
    assert.deepEqual(parseLine('\u001b[1;2;3;4;7m\u001b[22;23;24;27mx')[0]?.look, {});
    assert.deepEqual(parseLine('\u001b[31m\u001b[mx')[0]?.look, {});
  });

  const hostile: [what: string, line: string, text: string][] = [
    ['a link (OSC 8)', '\u001b]8;;https://evil.example/\u0007here\u001b]8;;\u001b\\ there', 'here there'],
    ['a clipboard write (OSC 52)', 'a\u001b]52;c;c2VjcmV0\u0007b', 'ab'],
    ['a title that never ends', 'a\u001b]0;everything after it', 'a'],
    ['cursor movements and erasing', 'a\u001b[2J\u001b[1;1H\u001b[Kb', 'ab'],
    ['device control strings', 'a\u001bPq#0;2;0;0;0\u001b\\b', 'ab'],
    ['8-bit sequences', 'a\u009b31mb\u009d0;t\u009cc', 'abc'],
    ['a sequence that is cut off', 'a\u001b[31', 'a'],
    ['a lone escape', 'a\u001b', 'a'],
    ['private modes', 'a\u001b[?1049h\u001b[?25lb', 'ab'],
  ];
  for (const [what, line, text] of hostile) {
    it(`leaves out ${what}`, () => {
      assert.equal(plainLine(line), text);
      assert.equal(
        parseLine(line)
          .map((p) => p.text)
          .join(''),
        text,
      );
    });
  }

  it('shows controls and marks of direction instead of obeying them', () => {
    assert.equal(plainLine('a\u0008b\u0000c\rd\u007f'), 'a␈b␀c␍d␡');
    assert.equal(plainLine('invoice\u202egpj.exe\u2066\u2069'), 'invoice\ufffdgpj.exe\ufffd\ufffd');
    assert.equal(plainLine('tab\tstays, and so does שלום'), 'tab\tstays, and so does שלום');
  });

  it('refuses colors that are none', () => {
    assert.deepEqual(parseLine('\u001b[38;5;999mx')[0]?.look, {});
    assert.deepEqual(parseLine('\u001b[38;2;1;2;300mx')[0]?.look, {});
    assert.deepEqual(parseLine('\u001b[38;2;1mx')[0]?.look, {});
    assert.deepEqual(parseLine('\u001b[38mx')[0]?.look, {});
  });

  it('is quick with a line that is made to be slow', () => {
    const from = performance.now();
    for (const part of ['\u001b[', '\u001b]', '\u001b[38;', '\u001bP\u001b', '\u001b[1;1;1;1;1;1;1;1;1;1;1;1']) {
      parseLine(part.repeat(2000));
    }
    assert.ok(performance.now() - from < 1000);
  });
});
