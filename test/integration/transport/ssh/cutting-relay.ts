import type { Socket } from 'node:net';
import { connect, createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A way to a port on 127.0.0.1 that is cut for all its connections after a number of bytes in both directions. */
export class CuttingRelay {
  readonly port: number;
  /** Bytes that passed towards the far end since the last `arm`. */
  upward = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #left = Infinity;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (outer) => this.#serve(outer, target));
  }

  static async open(target: number): Promise<CuttingRelay> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new CuttingRelay(server, target);
  }

  /** Cuts after so many further bytes; what was cut can be passed again from now on. */
  arm(bytes: number): void {
    this.#left = bytes;
    this.upward = 0;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#cut();
    await closed;
  }

  #cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#sockets.clear();
  }

  #serve(outer: Socket, target: number): void {
    const inner = connect({ port: target, host: '127.0.0.1', noDelay: true });
    this.#pass(outer, inner, true);
    this.#pass(inner, outer, false);
    if (this.#left <= 0) {
      this.#cut();
    }
  }

  #pass(from: Socket, to: Socket, up: boolean): void {
    this.#sockets.add(from);
    from.on('error', () => undefined);
    from.once('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on('data', (chunk: Buffer) => {
      const passed = chunk.subarray(0, Math.max(0, this.#left));
      this.#left -= chunk.length;
      this.upward += up ? passed.length : 0;
      if (!to.write(passed)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
      if (this.#left <= 0) {
        this.#cut();
      }
    });
  }
}
