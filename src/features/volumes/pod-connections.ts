import type { Pod } from '../../core/runpod/schemas.ts';
import type { SshConnection } from '../../core/ssh/index.ts';
import type { Disposable } from '../common/disposables.ts';

/** A connection stays open this long after its last use: a folder is rarely opened alone. */
const lingerMs = 60_000;

interface Shared {
  connection: Promise<SshConnection>;
  users: number;
  timer?: NodeJS.Timeout;
}

/** One connection per running pod, shared by everybody who looks at its files. */
export class PodConnections implements Disposable {
  readonly #connect: (pod: Pod) => Promise<SshConnection>;
  readonly #open = new Map<string, Shared>();

  constructor(connect: (pod: Pod) => Promise<SshConnection>) {
    this.#connect = connect;
  }

  async use<T>(pod: Pod, work: (connection: SshConnection) => Promise<T>): Promise<T> {
    const key = `${pod.id}@${pod.startedAt ?? ''}`;
    const shared = this.#open.get(key) ?? this.#start(key, pod);
    clearTimeout(shared.timer);
    shared.users += 1;
    try {
      return await work(await shared.connection);
    } finally {
      shared.users -= 1;
      if (shared.users === 0) {
        shared.timer = setTimeout(() => this.#end(key, shared), lingerMs);
        shared.timer.unref();
      }
    }
  }

  dispose(): void {
    for (const [key, shared] of this.#open) {
      this.#end(key, shared);
    }
  }

  #start(key: string, pod: Pod): Shared {
    const connection = this.#connect(pod);
    const shared: Shared = { connection, users: 0 };
    this.#open.set(key, shared);
    const forget = (): void => {
      if (this.#open.get(key) === shared) {
        this.#open.delete(key);
      }
    };
    connection.then((open) => open.closed.then(forget), forget);
    return shared;
  }

  #end(key: string, shared: Shared): void {
    clearTimeout(shared.timer);
    this.#open.delete(key);
    shared.connection.then(
      (open) => open.close(),
      () => undefined,
    );
  }
}
