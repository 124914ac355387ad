import { UserError } from '../../core/errors.ts';
import { defaultRestUrl } from '../../core/runpod/connection.ts';
import { RunPodClient } from '../../core/runpod/client.ts';
import { DisposableStore, Emitter, type Disposable } from '../common/disposables.ts';
import type { Secret } from '../common/secret.ts';
import type { Credentials } from './credentials.ts';

/** The part of a Memento that is used. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): Thenable<void>;
}

export interface AccountOptions {
  credentials: Credentials;
  memory: Memory;
  /** The API's address as it is set now. */
  restUrl: () => string;
  /** Whether the open folder is trusted; without trust nothing connects. */
  trusted: () => boolean;
}

const approvedKey = 'approvedHosts';

/** Who is signed in, and the client that speaks for them. */
export class Account implements Disposable {
  readonly #options: AccountOptions;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new Emitter<undefined>());
  /** The key, the address or the folder's trust has changed. */
  readonly onDidChange = this.#changed.event;
  #current: { restUrl: string; key: Secret } | undefined;
  #client: RunPodClient | undefined;
  #reading = 0;
  /** What listeners know; kept private because the key is part of it. */
  #told = '';

  constructor(options: AccountOptions) {
    this.#options = options;
    this.#store.add(options.credentials.onDidChange(() => void this.reload()));
  }

  /** The address that keys are asked for. */
  get restUrl(): string {
    return this.#options.restUrl();
  }

  get host(): string {
    return new URL(this.restUrl).host;
  }

  get signedIn(): boolean {
    return this.#current !== undefined;
  }

  /** True when requests may be made. */
  get ready(): boolean {
    return this.signedIn && this.#options.trusted();
  }

  /** Reads the key of the present address again. */
  async reload(): Promise<void> {
    const reading = ++this.#reading;
    const { restUrl } = this;
    const key = URL.canParse(restUrl) ? await this.#options.credentials.apiKey(restUrl) : undefined;
    if (reading !== this.#reading) {
      return; // a later reload knows better
    }
    this.#current = key && this.isApproved(restUrl) ? { restUrl, key } : undefined;
    // Other secrets change too; only what matters to a client is told.
    const now = JSON.stringify([restUrl, this.#current?.key.reveal(), this.ready]);
    if (now !== this.#told) {
      this.#told = now;
      this.#client = undefined;
      this.#changed.fire(undefined);
    }
  }

  /**
   * The client of the signed-in account.
   * @throws UserError `untrusted` or `signed-out`.
   */
  client(): RunPodClient {
    this.requireTrust();
    if (this.#current === undefined) {
      throw new UserError('signed-out', {
        what: 'You are not signed in to RunPod.',
        next: 'Sign in with an API key, or start the local sandbox, which needs no account.',
      });
    }
    const { restUrl, key } = this.#current;
    this.#client ??= new RunPodClient({ restUrl, apiKey: key.reveal() });
    return this.#client;
  }

  /** @throws UserError `untrusted` when the open folder is not trusted. */
  requireTrust(): void {
    if (!this.#options.trusted()) {
      throw new UserError('untrusted', {
        what: 'This folder is not trusted.',
        why: 'Its project file could run commands here and spend money on RunPod.',
        next: 'Trust the folder first if you know where it comes from.',
      });
    }
  }

  /** RunPod's own address needs no approval; every other host is asked for once. */
  isApproved(restUrl: string): boolean {
    return new URL(restUrl).origin === new URL(defaultRestUrl).origin || this.#approved().includes(new URL(restUrl).origin);
  }

  async approve(restUrl: string): Promise<void> {
    const { origin } = new URL(restUrl);
    await this.#options.memory.update(approvedKey, [...new Set([...this.#approved(), origin])]);
  }

  /** Keeps a key that was checked, and uses it. */
  async signIn(restUrl: string, key: Secret): Promise<void> {
    await this.#options.credentials.setApiKey(restUrl, key);
    await this.reload();
  }

  /** Forgets the keys of the present address. */
  async signOut(): Promise<void> {
    await this.#options.credentials.forget(this.restUrl);
    await this.reload();
  }

  dispose(): void {
    this.#store.dispose();
  }

  #approved(): string[] {
    const value = this.#options.memory.get(approvedKey);
    return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
  }
}
