import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on 127.0.0.1 that can go away and come back at the same address. */
export abstract class LoopbackServer {
  protected readonly server: Server;
  #port = 0;
  #resets = false;

  constructor(options: ServerOptions) {
    this.server = createServer(options, (request, response) => this.serve(request, response));
    this.server.on('connection', (socket) => {
      if (this.#resets) socket.resetAndDestroy();
    });
  }

  /** Answers a request. */
  protected abstract serve(request: IncomingMessage, response: ServerResponse): void;

  /** Listens; resolves to the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          error.code === 'EADDRINUSE'
            ? new Error(`Port ${String(port)} is in use by another program; choose another one.`)
            : error,
        ),
      );
      this.server.listen(port, '127.0.0.1', resolve);
    });
    this.#port = (this.server.address() as AddressInfo).port;
    return this.#port;
  }

  /** Goes away: connections are refused, as by a machine without the service, or reset, as by a broken one. */
  async down(how: 'refused' | 'reset'): Promise<void> {
    this.#resets = how === 'reset';
    if (how === 'refused') await this.#stop();
    else this.server.closeAllConnections();
  }

  /** Comes back at the same address. */
  async up(): Promise<void> {
    this.#resets = false;
    if (!this.server.listening) await this.listen(this.#port);
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  /**
   * Why the request must not be answered, if so: a web page of the user's browser must not reach the sandbox, not by
   * another host name, not from any origin.
   */
  protected strangerIn(request: IncomingMessage): string | undefined {
    const hosts = ['127.0.0.1', 'localhost'].map((host) => `${host}:${String(this.#port)}`);
    if (!hosts.includes(request.headers.host ?? '')) return 'unknown host';
    return request.headers.origin === undefined ? undefined : 'requests of web pages are refused';
  }

  async #stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}
