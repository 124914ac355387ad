import { throwIfCancelled } from '../errors.ts';
import { graphqlUrl } from './connection.ts';
import type { ApiHttp } from './http.ts';
import { balanceSchema, podListSchema, secretsSchema, sshKeysSchema } from './schemas.ts';

/** Money left in the account, in USD. */
export interface Balance {
  balance: number;
  /** USD per hour of everything that runs; null when not told. */
  spendPerHour: number | null;
  /** USD per hour that the account may spend; null when not told. */
  spendLimit: number | null;
}

const balanceQuery = 'query { myself { clientBalance currentSpendPerHr spendLimit } }';
const balanceTimeoutMs = 10_000;

/** The account behind the key. Every method throws ApiError, and CancelledError when its signal aborts. */
export class AccountApi {
  readonly #http: ApiHttp;

  constructor(http: ApiHttp) {
    this.#http = http;
  }

  /** Succeeds when the key may read pods. Whether it may write shows only at the first write. */
  async checkKey(signal?: AbortSignal): Promise<void> {
    const purpose = 'check the API key';
    await this.#http.json({ method: 'GET', path: '/pods', query: '?limit=1', purpose, signal }, podListSchema);
  }

  /** Public keys that the platform gives to pods which ask for them. */
  async sshKeys(signal?: AbortSignal): Promise<string[]> {
    const purpose = "read the account's SSH keys";
    return (await this.#http.json({ method: 'GET', path: '/account/ssh-keys', purpose, signal }, sshKeysSchema)).keys;
  }

  /** Names of the secrets whose name contains this text, whatever the case; their values are told to nobody. */
  async secretNames(name: string, signal?: AbortSignal): Promise<string[]> {
    const query = `?name=${encodeURIComponent(name)}`;
    const purpose = "read the names of the account's secrets";
    const request = { method: 'GET', path: '/account/secrets', query, purpose, signal } as const;
    return (await this.#http.json(request, secretsSchema)).secrets.map((secret) => secret.name);
  }

  /**
   * The balance, which only GraphQL tells, and only to keys with that permission.
   * @returns undefined when it cannot be had, whatever the reason: show nothing then.
   * @throws CancelledError when the signal aborts.
   */
  async balance(signal?: AbortSignal): Promise<Balance | undefined> {
    try {
      const { data } = await this.#http.json(
        {
          method: 'POST',
          path: graphqlUrl(this.#http),
          body: { query: balanceQuery },
          purpose: 'read the balance',
          attempts: 1,
          timeoutMs: balanceTimeoutMs,
          signal,
        },
        balanceSchema,
      );
      const { clientBalance, currentSpendPerHr, spendLimit } = data.myself;
      return { balance: clientBalance, spendPerHour: currentSpendPerHr, spendLimit };
    } catch {
      throwIfCancelled(signal);
      return undefined;
    }
  }
}
