import type net from 'node:net';
import type { Client, ConnectConfig } from 'ssh2';
import { CancelledError } from '../errors.ts';
import { dial } from './dial.ts';
import type { SshTarget } from './errors.ts';
import { authRefused, refused, SshError, timedOut } from './errors.ts';
import type { SshKeyPair } from './keys.ts';
import { fingerprintOf } from './keys.ts';

export interface Login {
  target: SshTarget;
  key: SshKeyPair;
  /** Milliseconds between pings. */
  pingMs: number;
  /** Says what is wrong with the fingerprint that the server shows; undefined accepts it. */
  check: (fingerprint: string) => SshError | undefined | Promise<SshError | undefined>;
}

/**
 * Dials and lets `start` log in over the socket with a configuration for the ssh2 library. One limit of time and one
 * signal hold for all of it, and every failure becomes an SshError or a CancelledError. The socket is destroyed when
 * it fails.
 */
export async function logIn<T>(
  login: Login,
  limits: { timeoutMs: number; signal: AbortSignal | undefined },
  start: (config: ConnectConfig) => Promise<T>,
): Promise<{ socket: net.Socket; value: T }> {
  const { target } = login;
  const stop = new AbortController();
  let failure: Error | undefined;
  let onStop: (error: Error) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    onStop = reject;
  });
  stopped.catch(() => undefined);
  const fail = (error: Error): void => {
    failure ??= error;
    stop.abort();
    onStop(failure);
  };
  const onAbort = (): void => fail(new CancelledError());
  limits.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => fail(timedOut(target, limits.timeoutMs)), limits.timeoutMs);
  let socket: net.Socket | undefined;
  try {
    if (limits.signal?.aborted) {
      throw new CancelledError();
    }
    socket = await dial(target, stop.signal);
    const config = configFor(login, socket, (error) => {
      failure ??= error;
    });
    return { socket, value: await Promise.race([start(config), stopped]) };
  } catch (error) {
    socket?.destroy();
    throw failure ?? explain(error, target);
  } finally {
    clearTimeout(timer);
    limits.signal?.removeEventListener('abort', onAbort);
  }
}

/** Logs in with a client of its own; its errors are the socket's end. */
export async function loggedIn(
  login: Login,
  limits: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<{ client: Client; socket: net.Socket }> {
  // Loaded at the first connection: the editor starts without waiting for it.
  const { Client: SshClient } = (await import('ssh2')).default;
  const client = new SshClient();
  const { socket } = await logIn(login, limits, (config) => ready(client, config));
  return { client, socket };
}

function ready(client: Client, config: ConnectConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    client.on('error', reject);
    client.once('close', () => reject(new Error('The server closed the connection.')));
    client.once('ready', () => resolve());
    client.connect(config);
  });
}

function configFor(login: Login, socket: net.Socket, onDenied: (error: SshError) => void): ConnectConfig {
  return {
    sock: socket,
    username: login.target.username,
    authHandler: [login.key.privateKey, ...(login.key.earlier ?? [])].map((key) => ({
      type: 'publickey' as const,
      username: login.target.username,
      key,
    })),
    // Both limits are kept outside: the time by `logIn`, the dead link by `watchLink`.
    readyTimeout: 0,
    keepaliveInterval: login.pingMs,
    keepaliveCountMax: Number.MAX_SAFE_INTEGER,
    hostVerifier: (blob: Buffer, verify: (isRight: boolean) => void) => {
      void Promise.resolve(login.check(fingerprintOf(blob))).then((denied) => {
        if (denied !== undefined) {
          onDenied(denied);
        }
        verify(denied === undefined);
      });
    },
  };
}

function explain(error: unknown, target: SshTarget): Error {
  if (error instanceof SshError || error instanceof CancelledError) {
    return error;
  }
  const text = error instanceof Error ? error.message : '';
  return text.includes('authentication methods failed') ? authRefused(target) : refused(target, error);
}
