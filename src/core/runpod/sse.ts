/** A parser for server-sent events (`text/event-stream`), fed with bytes in pieces of any size. */

export interface ServerSentEvent {
  /** The last `id` seen on the stream, empty until there is one. */
  id: string;
  event: string;
  data: string;
}

const maxEventChars = 4 * 1024 * 1024;

export class ServerSentEventParser {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #skipLineFeed = false;
  #data: string[] = [];
  #size = 0;
  #event = '';
  #id = '';

  /**
   * Takes the next bytes of the stream.
   * @returns the events that they complete. An event that the end of the stream cuts off is never returned.
   * @throws RangeError when one event exceeds 4 Mi characters.
   */
  push(bytes: Uint8Array): ServerSentEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true });
    // A CR at the very end of a piece ends its line at once; the LF that may follow belongs to it.
    if (this.#skipLineFeed && text !== '') {
      text = text.startsWith('\n') ? text.slice(1) : text;
      this.#skipLineFeed = false;
    }
    const events: ServerSentEvent[] = [];
    let start = 0;
    const lineEnd = /\r\n|\r|\n/g;
    for (let match = lineEnd.exec(text); match; match = lineEnd.exec(text)) {
      const line = this.#rest + text.slice(start, match.index);
      this.#rest = '';
      start = match.index + match[0].length;
      this.#skipLineFeed = match[0] === '\r' && start === text.length;
      const event = this.#line(line);
      if (event) {
        events.push(event);
      }
    }
    this.#rest += text.slice(start);
    this.#checkSize(this.#rest.length);
    return events;
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') {
      return this.#dispatch();
    }
    const colon = line.indexOf(':');
    if (colon === 0) {
      return undefined;
    }
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length;
      this.#checkSize(0);
    } else if (field === 'event') {
      this.#event = value;
    } else if (field === 'id' && !value.includes('\0')) {
      this.#id = value;
    }
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const event = { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') };
    const empty = this.#data.length === 0;
    this.#data = [];
    this.#size = 0;
    this.#event = '';
    return empty ? undefined : event;
  }

  #checkSize(pending: number): void {
    if (this.#size + pending > maxEventChars) {
      throw new RangeError('An event of the stream is longer than 4 Mi characters.');
    }
  }
}
