import { inspect } from 'node:util';

const shown = '[secret]';

/** A value that no log, message, JSON or template string can show by accident; `reveal` is the one way out. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
