import type * as vscode from 'vscode';
import { defaultRestUrl } from '../../core/runpod/connection.ts';
import { settingsSection } from '../ids.ts';

const refreshBounds = { min: 5, max: 600, usual: 20 };

/** Settings, read when they are needed. VS Code does not enforce the manifest's bounds, so they are held here. */
export class Settings {
  readonly #vs: typeof vscode;

  constructor(vs: typeof vscode) {
    this.#vs = vs;
  }

  /** Base of RunPod's REST API. */
  get restUrl(): string {
    const value = this.#read('restUrl');
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : defaultRestUrl;
  }

  /** Changes the API's address for this machine; undefined takes it back to RunPod's own. */
  async setRestUrl(url: string | undefined): Promise<void> {
    const target = this.#vs.ConfigurationTarget.Global;
    await this.#vs.workspace.getConfiguration(settingsSection).update('restUrl', url, target);
  }

  /** Milliseconds between two refreshes of a visible list. */
  get refreshMs(): number {
    const value = this.#read('refreshSeconds');
    const seconds = typeof value === 'number' && Number.isFinite(value) ? value : refreshBounds.usual;
    return Math.min(refreshBounds.max, Math.max(refreshBounds.min, seconds)) * 1000;
  }

  onDidChangeRestUrl(listener: () => void): vscode.Disposable {
    return this.#vs.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${settingsSection}.restUrl`)) {
        listener();
      }
    });
  }

  #read(name: 'restUrl' | 'refreshSeconds'): unknown {
    return this.#vs.workspace.getConfiguration(settingsSection).get(name);
  }
}
