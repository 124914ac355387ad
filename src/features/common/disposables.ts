export interface Disposable {
  dispose(): unknown;
}

/**
 * Keeps what must be given back and gives it back in reverse order, so that users go before what they use.
 * VS Code disposes `context.subscriptions` first to last, so the extension pushes one store only.
 */
export class DisposableStore implements Disposable {
  readonly #items: Disposable[] = [];
  #disposed = false;

  /** Answers what it was given. After the store's own end, things are disposed at once. */
  add<T extends Disposable>(item: T): T {
    if (this.#disposed) {
      item.dispose();
    } else {
      this.#items.push(item);
    }
    return item;
  }

  /** Idempotent. One that throws does not keep the others from being disposed. */
  dispose(): void {
    this.#disposed = true;
    const errors: unknown[] = [];
    for (let item = this.#items.pop(); item !== undefined; item = this.#items.pop()) {
      try {
        item.dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) {
      throw new AggregateError(errors, 'Some things could not be disposed.');
    }
  }
}

let report: (error: unknown) => void = () => undefined;

/** Who is told of listeners that throw. */
export function reportThrownTo(told: (error: unknown) => void): void {
  report = told;
}

/** An event with listeners, for code that knows no vscode. One that throws harms neither the others nor who fires. */
export class Emitter<T> implements Disposable {
  readonly #listeners = new Set<(value: T) => void>();

  readonly event = (listener: (value: T) => void): Disposable => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  fire(value: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch (error) {
        report(error);
      }
    }
  }

  dispose(): void {
    this.#listeners.clear();
  }
}
