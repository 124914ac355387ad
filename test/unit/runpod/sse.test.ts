import assert from 'node:assert/strict';
import { ServerSentEventParser, type ServerSentEvent } from '../../../src/core/runpod/sse.ts';

const encoder = new TextEncoder();

/** Feeds the whole text in pieces of `size` bytes. */
function parse(text: string, size = Infinity): ServerSentEvent[] {
  const parser = new ServerSentEventParser();
  const bytes = encoder.encode(text);
  const events: ServerSentEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    events.push(...parser.push(bytes.subarray(at, Math.min(bytes.length, at + size))));
  }
  return events;
}

describe('server-sent events', () => {
  const stream =
    '\uFEFF: a comment\n' +
    'id: t/1\ndata: {"line":"erste Zeile äöü 🎵"}\n\n' +
    'event: note\r\ndata:no space\r\ndata:  two spaces\r\n\r\n' +
    'id: t/2\rdata\r\r' +
    'id\ndata: id was cleared\nretry: 10\nunknown: field\n\n' +
    'id: bad\0id\ndata: keeps the id before\n\n' +
    'id: t/3\n\n' +
    'data: after an id without data\n\n' +
    'data: cut off\n';
  const expected = [
    { id: 't/1', event: 'message', data: '{"line":"erste Zeile äöü 🎵"}' },
    { id: 't/1', event: 'note', data: 'no space\n two spaces' },
    { id: 't/2', event: 'message', data: '' },
    { id: '', event: 'message', data: 'id was cleared' },
    { id: '', event: 'message', data: 'keeps the id before' },
    { id: 't/3', event: 'message', data: 'after an id without data' },
  ];

  for (const size of [1, 2, 3, 5, 7, 64, Infinity]) {
    it(`reads every line end, field and character in pieces of ${size} bytes`, () => {
      assert.deepEqual(parse(stream, size), expected);
    });
  }

  it('returns an event as soon as its blank line ends in CR, and takes the LF that follows as part of it', () => {
    const parser = new ServerSentEventParser();
    assert.equal(parser.push(encoder.encode('data: a\r\n\r')).length, 1);
    assert.deepEqual(parser.push(encoder.encode('\ndata: b\r\n\r\n')), [{ id: '', event: 'message', data: 'b' }]);
  });

  it('gives up on an endless event instead of filling the memory', () => {
    const parser = new ServerSentEventParser();
    const piece = encoder.encode(`data: ${'x'.repeat(1024 * 1024)}\n`);
    assert.throws(() => {
      for (let i = 0; i < 5; i += 1) {
        parser.push(piece);
      }
    }, RangeError);
    const endlessLine = encoder.encode('x'.repeat(1024 * 1024));
    const other = new ServerSentEventParser();
    assert.throws(() => {
      for (let i = 0; i < 5; i += 1) {
        other.push(endlessLine);
      }
    }, RangeError);
  });
});
