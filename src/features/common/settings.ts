import type * as vscode from 'vscode';
import { defaultRestUrl } from '../../core/runpod/connection.ts';
import { type settings, settingsSection } from '../ids.ts';

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

  /** Python for steps on this machine and for the pods of the sandbox. */
  get python(): string {
    const value = this.#read('python');
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : 'python3';
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

  #read(name: (typeof settings)[number]): unknown {
    return this.#vs.workspace.getConfiguration(settingsSection).get(name);
  }
}
