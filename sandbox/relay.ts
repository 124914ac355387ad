import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is wrong with a link at the moment; nothing by default. */
interface Weather {
  /** New connections are reset and the old ones are gone. */
  cut: boolean;
  /** Connections stay, no byte passes, not even the end of one. */
  frozen: boolean;
  /** Ms that every piece of data is held back. */
  delayMs: number;
  /** Bytes per second and direction; Infinity is unlimited. */
  bytesPerSecond: number;
}

const fair: Weather = { cut: false, frozen: false, delayMs: 0, bytesPerSecond: Infinity };

/**
 * The way from a pod's public SSH address to its sshd: a TCP port on 127.0.0.1 that passes bytes on unchanged. It is
 * always there, as a host's port mapping is, and can be made to behave as bad networks do.
 */
export class Relay {
  readonly port: number;
  #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #weather = fair;
  /** Wakes what waits for a change of weather. */
  #changed = new AbortController();

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on('connection', (socket) => void this.#serve(socket));
  }

  /** Listens on `port` and leads to `target`, both on 127.0.0.1. */
  static async open(port: number, target: number): Promise<Relay> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new Relay(server, port, target);
  }

  /** Leads new connections to another port. */
  retarget(port: number): void {
    this.#target = port;
  }

  /** Resets every connection and, until `restore`, every new one. */
  cut(): void {
    this.#set({ cut: true });
    this.#reset();
  }

  /** Lets nothing through in either direction until `restore`; nobody is told. */
  freeze(): void {
    this.#set({ frozen: true });
  }

  /** Slows data down until `restore`. */
  slow(link: { delayMs?: number; bytesPerSecond?: number }): void {
    this.#set(link);
  }

  /** Ends all disturbance; bytes held back by a freeze arrive late. */
  restore(): void {
    this.#set(fair);
  }

  async close(): Promise<void> {
    this.restore();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#reset();
    await closed;
  }

  #set(change: Partial<Weather>): void {
    this.#weather = { ...this.#weather, ...change };
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  #reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  async #serve(outer: Socket): Promise<void> {
    this.#keep(outer);
    if (this.#weather.cut) {
      outer.resetAndDestroy();
      return;
    }
    const inner = connect({ port: this.#target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#keep(inner);
    // Where nothing listens behind a mapped port, the client's connection is opened and reset.
    inner.once('error', () => outer.resetAndDestroy());
    outer.once('error', () => inner.resetAndDestroy());
    await Promise.all([this.#pass(outer, inner), this.#pass(inner, outer)]);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        await this.#hold(chunk.length);
        if (to.destroyed) break;
        if (!to.write(chunk)) await drained(to);
      }
      await this.#hold(0);
      to.end();
    } catch {
      await this.#hold(0);
      to.resetAndDestroy();
    }
  }

  /** Waits as the weather demands before `bytes` may pass. */
  async #hold(bytes: number): Promise<void> {
    const { delayMs, bytesPerSecond } = this.#weather;
    const ms = delayMs + (bytes / bytesPerSecond) * 1000;
    if (ms > 0) await sleep(ms, undefined, { signal: this.#changed.signal }).catch(() => undefined);
    while (this.#weather.frozen) {
      const { signal } = this.#changed;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
