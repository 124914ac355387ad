import net from 'node:net';
import { CancelledError } from '../errors.ts';
import type { SshTarget } from './errors.ts';
import { refused, unreachable } from './errors.ts';

/** Milliseconds between pings, unless told. */
export const defaultPingMs = 5000;

/** How many pings may pass without a byte from the far end before the link counts as dead. */
const missesAllowed = 3;

/**
 * Opens a TCP connection with small packets sent at once: the ssh2 library leaves Nagle's algorithm on, which costs
 * 40 ms per request. Rejects with an SshError, or with CancelledError when `signal` aborts.
 */
export function dial(target: SshTarget, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new CancelledError());
      return;
    }
    const socket = net.connect({ host: target.host, port: target.port, noDelay: true });
    const onAbort = (): void => {
      socket.destroy();
      reject(new CancelledError());
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      signal.removeEventListener('abort', onAbort);
      const answered = error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET';
      reject(answered ? refused(target, error) : unreachable(target, error));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      resolve(socket);
    });
  });
}

/**
 * Calls `onDead` when nothing arrived for three intervals of `pingMs`. It counts intervals and not seconds, so that a
 * laptop that slept is not told at once that its link is dead; and any byte counts, so that an answer to a ping that
 * queues behind an upload on a slow link is not missed. Returns a function that stops the watch.
 */
export function watchLink(socket: net.Socket, pingMs: number, onDead: (reason: Error) => void): () => void {
  let seen = socket.bytesRead;
  let misses = 0;
  const timer = setInterval(() => {
    if (socket.bytesRead > seen) {
      seen = socket.bytesRead;
      misses = 0;
      return;
    }
    misses += 1;
    if (misses >= missesAllowed) {
      clearInterval(timer);
      onDead(new Error(`Nothing was heard for ${(missesAllowed * pingMs) / 1000} s.`));
    }
  }, pingMs);
  return () => clearInterval(timer);
}
