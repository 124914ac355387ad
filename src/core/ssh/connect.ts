import { throwIfCancelled } from '../errors.ts';
import { SshConnection } from './connection.ts';
import { defaultPingMs } from './dial.ts';
import type { SshError, SshTarget } from './errors.ts';
import { hostKeyChanged, hostKeyUnexpected } from './errors.ts';
import type { HostKeys } from './host-keys.ts';
import type { SshKeyPair } from './keys.ts';
import { loggedIn } from './login.ts';

export interface ConnectOptions {
  target: SshTarget;
  key: SshKeyPair;
  hostKeys: HostKeys;
  /** Names one start of one machine, such as `<podId>@<startedAt>`. */
  pinId: string;
  signal?: AbortSignal | undefined;
  /** For everything until the login is done; 20 s unless told. */
  timeoutMs?: number | undefined;
  /** Milliseconds between pings, 5000 unless told; after three without an answer the connection counts as lost. */
  pingMs?: number | undefined;
  /** Told once per pin, after the login: the fingerprint that is trusted from now on and how it was checked. */
  onFirstUse?: ((fingerprint: string, checkedBy: 'boot log' | 'first use') => void) | undefined;
  /**
   * Asked where there is no pin: the fingerprints (`SHA256:…`) of the machine's boot log. Where it has some, the key must
   * be one of them.
   */
  bootLog?: (() => Promise<readonly string[]>) | undefined;
}

/**
 * Connects and logs in. Rejects with an SshError (see its codes) or a CancelledError.
 *
 * An unknown host key is pinned only after the login: an address that the platform has already given to another
 * machine must not spoil the pin of the right one.
 */
export async function connect(options: ConnectOptions): Promise<SshConnection> {
  const { target, key, hostKeys, pinId } = options;
  throwIfCancelled(options.signal);
  const pinned = await hostKeys.expected(pinId);
  let trusted: readonly string[] = [];
  let seen = '';
  const check = async (fingerprint: string): Promise<SshError | undefined> => {
    seen = fingerprint;
    if (pinned !== undefined) {
      return pinned === fingerprint ? undefined : hostKeyChanged(target, pinned, fingerprint);
    }
    trusted = (await options.bootLog?.()) ?? [];
    return trusted.length > 0 && !trusted.includes(fingerprint)
      ? hostKeyUnexpected(target, trusted, fingerprint)
      : undefined;
  };
  const pingMs = options.pingMs ?? defaultPingMs;
  const limits = { timeoutMs: options.timeoutMs ?? 20_000, signal: options.signal };
  const { client, socket } = await loggedIn({ target, key, pingMs, check }, limits);
  const connection = new SshConnection(client, socket, { target, key, pingMs, fingerprint: seen });
  if (pinned === undefined) {
    try {
      await hostKeys.pin(pinId, seen);
    } catch (error) {
      connection.close();
      throw error;
    }
    options.onFirstUse?.(seen, trusted.length > 0 ? 'boot log' : 'first use');
  }
  return connection;
}
