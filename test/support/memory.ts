import type { Memory } from '../../src/features/account/account.ts';
import type { SecretStore } from '../../src/features/account/credentials.ts';

/** An editor's secret storage, in memory. */
export class FakeSecrets implements SecretStore {
  readonly values = new Map<string, string>();
  get = (key: string): Promise<string | undefined> => Promise.resolve(this.values.get(key));
  store = (key: string, value: string): Promise<void> => Promise.resolve(void this.values.set(key, value));
  delete = (key: string): Promise<void> => Promise.resolve(void this.values.delete(key));
  onDidChange = (): { dispose: () => void } => ({ dispose: () => undefined });
}

/** An editor's memory. */
export class FakeMemory implements Memory {
  readonly values = new Map<string, unknown>();
  get = (key: string): unknown => this.values.get(key);
  update = (key: string, value: unknown): Promise<void> => Promise.resolve(void this.values.set(key, value));
}
