import { limits } from '../contract.ts';
import { jobEventSchema, type JobEvent } from './events.ts';

/** A line of the journal that could not be believed. */
export interface BadLine {
  type: 'bad-line';
  offset: number;
  message: string;
}

/** Where a reader stands, for another one to go on from. */
export interface ReaderPlace {
  offset: number;
  epoch: number;
  seq: number;
}

/**
 * Turns the journal's bytes into events. Bytes come in any pieces; only whole lines are read. `offset` is where the
 * next byte is expected, so that a new link can go on exactly there. A gap in (`epoch`, `seq`) is reported.
 */
export class JournalReader {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #offset: number;
  #epoch = 0;
  #seq = 0;

  constructor({ offset, epoch, seq }: ReaderPlace = { offset: 0, epoch: 0, seq: 0 }) {
    this.#offset = offset;
    this.#epoch = epoch;
    this.#seq = seq;
  }

  /** After the whole lines that have been read. */
  get place(): ReaderPlace {
    return { offset: this.#offset, epoch: this.#epoch, seq: this.#seq };
  }

  /** Bytes of whole lines that have been read, counted from the start of the journal. */
  get offset(): number {
    return this.#offset;
  }

  /** Forgets a torn line, before bytes from `offset` on are read again over a new link. */
  restart(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  push(chunk: Buffer): (JobEvent | BadLine)[] {
    const events: (JobEvent | BadLine)[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, end);
      const length = this.#pendingBytes + piece.length;
      const line = this.#pendingBytes === 0 ? piece : Buffer.concat([...this.#pending, piece]);
      this.restart();
      from = end + 1;
      events.push(...(length > limits.readableLineBytes ? [this.#bad(tooLong(length))] : this.#read(line)));
      this.#offset += length + 1;
    }
    if (from < chunk.length) {
      this.#pendingBytes += chunk.length - from;
      // A line that is too long is only counted, so that a pod cannot fill this machine's memory with it.
      this.#pending =
        this.#pendingBytes > limits.readableLineBytes ? [] : [...this.#pending, Buffer.from(chunk.subarray(from))];
    }
    return events;
  }

  #read(line: Buffer): (JobEvent | BadLine)[] {
    let value: unknown;
    try {
      value = JSON.parse(line.toString('utf8'));
    } catch {
      return [this.#bad('a line is not JSON')];
    }
    const parsed = jobEventSchema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return [this.#bad(`an event is not understood: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)];
    }
    const event = parsed.data;
    const follows =
      (event.epoch === this.#epoch && event.seq === this.#seq + 1) || (event.epoch > this.#epoch && event.seq === 1);
    const gap = follows
      ? []
      : [this.#bad(`event ${event.epoch}/${event.seq} does not follow ${this.#epoch}/${this.#seq}: lines are missing`)];
    this.#epoch = event.epoch;
    this.#seq = event.seq;
    return [...gap, event];
  }

  #bad(message: string): BadLine {
    return { type: 'bad-line', offset: this.#offset, message };
  }
}

function tooLong(bytes: number): string {
  return `a line of ${bytes} bytes is longer than the journal allows`;
}
