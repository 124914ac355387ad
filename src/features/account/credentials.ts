import type { KeptKey } from '../../core/home/key-pair.ts';
import type { Disposable } from '../common/disposables.ts';
import { Secret } from '../common/secret.ts';

/** The part of VS Code's SecretStorage that is used. */
export interface SecretStore {
  get(key: string): Thenable<string | undefined>;
  store(key: string, value: string): Thenable<void>;
  delete(key: string): Thenable<void>;
  onDidChange(listener: (event: { key: string }) => void): Disposable;
}

export interface S3Keys {
  accessKeyId: string;
  secretAccessKey: Secret;
}

/** Keys that nobody keeps: a sandbox makes new ones at every start, and they end with it. */
export interface LentKeys {
  restUrl: string;
  apiKey: Secret;
  s3Keys: S3Keys;
}

/**
 * What VS Code's secret storage keeps for us. API and S3 keys are bound to the host they were entered for: a key that
 * was given for one address is not found, so cannot be sent, when the address changes.
 */
export class Credentials {
  readonly #store: SecretStore;
  #lent: LentKeys | undefined;

  constructor(store: SecretStore) {
    this.#store = store;
  }

  /** Lets keys count for their address while they are lent. Secret storage is neither read nor changed for it. */
  lend(keys: LentKeys | undefined): void {
    this.#lent = keys;
  }

  #lentFor(restUrl: string): LentKeys | undefined {
    return this.#lent !== undefined && sameHost(this.#lent.restUrl, restUrl) ? this.#lent : undefined;
  }

  async apiKey(restUrl: string): Promise<Secret | undefined> {
    const lent = this.#lentFor(restUrl);
    if (lent !== undefined) {
      return lent.apiKey;
    }
    const value = await this.#store.get(nameOf('apiKey', restUrl));
    return value === undefined ? undefined : new Secret(value);
  }

  async setApiKey(restUrl: string, key: Secret): Promise<void> {
    await this.#store.store(nameOf('apiKey', restUrl), key.reveal());
  }

  async s3Keys(restUrl: string): Promise<S3Keys | undefined> {
    const lent = this.#lentFor(restUrl);
    if (lent !== undefined) {
      return lent.s3Keys;
    }
    const text = await this.#store.get(nameOf('s3Keys', restUrl));
    const { readS3Keys } = await import('./stored-keys.ts');
    const keys = readS3Keys(text);
    return keys && { accessKeyId: keys.accessKeyId, secretAccessKey: new Secret(keys.secretAccessKey) };
  }

  async setS3Keys(restUrl: string, keys: S3Keys): Promise<void> {
    const value = { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey.reveal() };
    await this.#store.store(nameOf('s3Keys', restUrl), JSON.stringify(value));
  }

  /** Forgets both kinds of keys of an address; lent ones are only given back. */
  async forget(restUrl: string): Promise<void> {
    if (this.#lentFor(restUrl) !== undefined) {
      this.#lent = undefined;
      return;
    }
    await this.#store.delete(nameOf('apiKey', restUrl));
    await this.#store.delete(nameOf('s3Keys', restUrl));
  }

  /** A secret that steps may ask for by name. */
  async stepSecret(name: string): Promise<Secret | undefined> {
    const value = await this.#store.get(`step:${name}`);
    return value === undefined ? undefined : new Secret(value);
  }

  /** An empty value forgets the secret. */
  async setStepSecret(name: string, value: Secret): Promise<void> {
    await (value.reveal() === ''
      ? this.#store.delete(`step:${name}`)
      : this.#store.store(`step:${name}`, value.reveal()));
  }

  /** The SSH key that was kept here before the machine's home had one for all. */
  readonly keptSshKey: KeptKey = {
    read: async () => {
      const text = await this.#store.get('sshKey');
      const { readKeyPair } = await import('./stored-keys.ts');
      return readKeyPair(text);
    },
    remove: async () => this.#store.delete('sshKey'),
  };

  /** Also told when another window changes them. */
  onDidChange(listener: () => void): Disposable {
    return this.#store.onDidChange(() => listener());
  }
}

function sameHost(a: string, b: string): boolean {
  return new URL(a).origin === new URL(b).origin;
}

/** A key belongs to scheme, host and port; the path may change with the API's version. */
function nameOf(kind: 'apiKey' | 's3Keys', restUrl: string): string {
  return `${kind}:${new URL(restUrl).origin}`;
}
