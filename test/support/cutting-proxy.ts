import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Cuts {
  /** Decides where the cuts are. */
  seed: number;
  /** How many there are; then everything passes. */
  count: number;
  /** Fewest and most bytes, of both directions of all connections, between two cuts. */
  between: readonly [number, number];
}

/** A TCP relay on 127.0.0.1 that resets the connection whose bytes reach the next seeded place. */
export class CuttingProxy {
  /** Connections that were reset, and bytes that went to the server. */
  cuts = 0;
  up = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  readonly #plan: Cuts;
  readonly #sockets = new Set<Socket>();
  readonly #random: () => number;
  #left: number;

  private constructor(server: Server, target: number, plan: Cuts) {
    this.#server = server;
    this.#target = target;
    this.#plan = plan;
    this.#random = randomOf(plan.seed);
    this.port = (server.address() as AddressInfo).port;
    this.#left = this.#gap();
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async open(target: number, plan: Cuts): Promise<CuttingProxy> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new CuttingProxy(server, target, plan);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #gap(): number {
    const [least, most] = this.#plan.between;
    return least + Math.floor(this.#random() * (most - least));
  }

  #serve(outer: Socket): void {
    const inner = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    for (const socket of [outer, inner]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        outer.destroy();
        inner.destroy();
      });
    }
    const pass = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      from.on('data', (chunk: Buffer) => {
        const isCut = this.cuts < this.#plan.count && chunk.length >= this.#left;
        const passing = isCut ? chunk.subarray(0, this.#left) : chunk;
        this.#left -= passing.length;
        count(passing.length);
        if (isCut) {
          this.cuts += 1;
          this.#left = this.#gap();
          to.write(passing, () => {
            outer.resetAndDestroy();
            inner.resetAndDestroy();
          });
          from.pause();
        } else if (!to.write(passing)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
    };
    pass(outer, inner, (bytes) => (this.up += bytes));
    pass(inner, outer, () => undefined);
  }
}

/** Numbers from 0 to 1 that follow from the seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
