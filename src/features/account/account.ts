import { messageOf, type UserError } from '../../core/errors.ts';
import { defaultRestUrl, isLoopback } from '../../core/runpod/connection.ts';
import type { RunPodClient } from '../../core/runpod/client.ts';
import type { RunPodClientOptions } from '../../core/runpod/http.ts';
import { DisposableStore, Emitter, type Disposable } from '../common/disposables.ts';
import { commands } from '../ids.ts';
import { EditorError } from '../common/editor-error.ts';
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
  /** The same of this machine alone. */
  ownMemory: Memory;
  /** The API's address by the setting. */
  restUrl: () => string;
  /** What this window is about: the open folder's address, or something fixed for an empty window. */
  folder: () => string;
  /** Whether the open folder is trusted; without trust nothing connects. */
  trusted: () => boolean;
  /** Is shown why the kept keys cannot be read: otherwise the window would only look signed out. */
  unreadable?: ((failure: Error) => void) | undefined;
  /** Hears of every request, at the level of details. */
  log?: ((text: string) => void) | undefined;
}

/** Where a running sandbox answers. */
export interface SandboxAddress {
  restUrl: string;
  s3Url: string;
}

const approvedKey = 'approvedHosts';
/** Folders that were opened with the sandbox; never the workspace's own settings, which a stranger may have written. */
const sandboxKey = 'sandboxFolders';

/** Who is signed in, and the client that speaks for them. */
export class Account implements Disposable {
  readonly #options: AccountOptions;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new Emitter<undefined>());
  /** The key, the address or the folder's trust has changed. */
  readonly onDidChange = this.#changed.event;
  #current: { restUrl: string; key: Secret } | undefined;
  #client: RunPodClient | undefined;
  #sandbox: SandboxAddress | undefined;
  #reading = 0;
  /** What listeners know; kept private because the key is part of it. */
  #told = '';
  #finding: Promise<void> | undefined;
  #isUnreadable = false;

  constructor(options: AccountOptions) {
    this.#options = options;
    this.#store.add(options.credentials.onDidChange(() => void this.reload()));
  }

  /** While it is being found out who is signed in, those who ask for a client wait; the window's start does not. */
  waitFor(finding: Promise<void>): void {
    this.#finding = finding;
  }

  /** The address that this window uses. */
  get restUrl(): string {
    return this.#sandbox?.restUrl ?? this.#options.restUrl();
  }

  /** The address by the setting, whether or not this window uses the sandbox instead. */
  get configuredUrl(): string {
    return this.#options.restUrl();
  }

  /** Whether nothing is charged: what answers on this machine is the sandbox. */
  get free(): boolean {
    return isLoopback(this.restUrl);
  }

  get host(): string {
    return new URL(this.restUrl).host;
  }

  get signedIn(): boolean {
    return this.#current !== undefined;
  }

  /** Names the signed-in account to other windows of this machine, without telling its key; undefined when signed out. */
  async name(): Promise<string | undefined> {
    const { accountName } = await import('../../core/home/shared-look.ts');
    return this.#current && accountName(this.#current.restUrl, this.#current.key.reveal());
  }

  /** True when requests may be made. */
  get ready(): boolean {
    return this.signedIn && this.#options.trusted();
  }

  /** Reads the key of the present address again. */
  async reload(): Promise<void> {
    const reading = ++this.#reading;
    const { restUrl } = this;
    const known = URL.canParse(restUrl) && !this.#waitsForSandbox;
    const key = known ? await this.#keyOf(restUrl) : undefined;
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

  async #keyOf(restUrl: string): Promise<Secret | undefined> {
    try {
      const key = await this.#options.credentials.apiKey(restUrl);
      this.#isUnreadable = false;
      return key;
    } catch (error) {
      // Once, however often it is tried.
      if (!this.#isUnreadable) {
        this.#isUnreadable = true;
        this.#options.unreadable?.(keysUnreadable(error));
      }
      return undefined;
    }
  }

  /**
   * The client of the signed-in account.
   * @throws UserError `untrusted` or `signed-out`.
   */
  async client(): Promise<RunPodClient> {
    await this.#finding;
    const { restUrl, key } = this.#signedIn();
    const { RunPodClient: Client } = await import('../../core/runpod/client.ts');
    const logged = await this.requestLog();
    const latest = this.#signedIn();
    if (latest.restUrl !== restUrl || latest.key !== key) {
      return this.client();
    }
    this.#client ??= new Client({ restUrl, apiKey: key.reveal() }, logged);
    return this.#client;
  }

  /** The options of a client whose requests go to the log. */
  async requestLog(): Promise<RunPodClientOptions> {
    const { log } = this.#options;
    const { callText } = await import('../../core/runpod/http.ts');
    return log === undefined ? {} : { log: (call) => log(callText(call)) };
  }

  #signedIn(): { restUrl: string; key: Secret } {
    this.requireTrust();
    if (this.#current === undefined) {
      throw new EditorError(
        'signed-out',
        {
          what: 'You are not signed in to RunPod.',
          next: 'Sign in with an API key, or start the local sandbox, which needs no account.',
          remedies: [{ do: 'sign-in' }],
        },
        [{ title: 'Start Local Sandbox', command: commands.startSandbox }],
      );
    }
    return this.#current;
  }

  /** @throws UserError `untrusted` when the open folder is not trusted. */
  requireTrust(): void {
    if (!this.#options.trusted()) {
      throw new EditorError(
        'untrusted',
        {
          what: 'This folder is not trusted.',
          why: 'Its project file could run commands here and spend money on RunPod.',
          next: 'Trust the folder first if you know where it comes from.',
        },
        [{ title: 'Manage Trust', command: 'workbench.trust.manage' }],
      );
    }
  }

  /** True when this window was told to use the sandbox, whether that runs or not. */
  get usesSandbox(): boolean {
    return this.#sandboxFolders.includes(this.#options.folder());
  }

  async useSandbox(use: boolean, folder = this.#options.folder()): Promise<void> {
    const others = this.#sandboxFolders.filter((f) => f !== folder);
    await this.#options.ownMemory.update(sandboxKey, use ? [...others.slice(-99), folder] : others);
  }

  /** Where the sandbox of this window is; undefined when none runs or the window does not use it. */
  async setSandbox(sandbox: SandboxAddress | undefined): Promise<void> {
    this.#sandbox = sandbox;
    await this.reload();
  }

  /** The S3 API of this window's sandbox; undefined when it uses RunPod itself. */
  get sandboxS3Url(): string | undefined {
    return this.#sandbox?.s3Url;
  }

  /** Without its sandbox such a window is signed out: falling back to RunPod would cost money unasked. */
  get #waitsForSandbox(): boolean {
    return this.usesSandbox && this.#sandbox === undefined;
  }

  /** RunPod's own address and the sandbox that we started need no approval; every other host is asked for once. */
  isApproved(restUrl: string): boolean {
    const { origin } = new URL(restUrl);
    return (
      origin === new URL(defaultRestUrl).origin ||
      restUrl === this.#sandbox?.restUrl ||
      this.#list(approvedKey).includes(origin)
    );
  }

  async approve(restUrl: string): Promise<void> {
    const { origin } = new URL(restUrl);
    await this.#options.memory.update(approvedKey, [...new Set([...this.#list(approvedKey), origin])]);
  }

  /** Keeps a key that was checked, and uses it: from now on this window means that address, not the sandbox. */
  async signIn(restUrl: string, key: Secret): Promise<void> {
    await this.useSandbox(false);
    this.#sandbox = undefined;
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

  /** Until this machine has its own list the one of before counts: a folder of the sandbox never turns into a paid one. */
  get #sandboxFolders(): string[] {
    const { ownMemory, memory } = this.#options;
    return strings(ownMemory.get(sandboxKey) ?? memory.get(sandboxKey));
  }

  #list(key: string): string[] {
    return strings(this.#options.memory.get(key));
  }
}

function keysUnreadable(error: unknown): UserError {
  const explanation = {
    what: 'The keys that the editor keeps for you cannot be read, so this window is signed out.',
    why: messageOf(error),
    next: 'Unlock the keyring of your system, then reload the window.',
  };
  return new EditorError('keys-unreadable', explanation, [
    { title: 'Reload Window', command: 'workbench.action.reloadWindow' },
  ]);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
}
