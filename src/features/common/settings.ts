import type * as vscode from 'vscode';
import { defaultRestUrl } from '../../core/runpod/connection.ts';
import { type settings, settingsSection } from '../ids.ts';

const refreshBounds = { min: 5, max: 600, usual: 20 };
const usualLongMinutes = 5;
const backgroundBounds = { min: 30, max: 3600, usual: 60 };

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

  /** Addresses of the S3 API by data center, beside those that are known; an empty one takes a data center out. */
  get s3Endpoints(): Record<string, string> {
    const value = this.#read('s3Endpoints');
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }

  /** Name of the account's secret with the key by which pods may end themselves. */
  get endKeySecret(): string | undefined {
    const value = this.#read('endKeySecret');
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  }

  /** Milliseconds between two refreshes of a visible list. */
  get refreshMs(): number {
    return this.#milliseconds('refreshSeconds', refreshBounds);
  }

  /** Milliseconds between two looks at the pods while something runs and no view is visible. */
  get backgroundMs(): number {
    return this.#milliseconds('backgroundRefreshSeconds', backgroundBounds);
  }

  /** A job that succeeded after so long is told in a message, in ms; Infinity for never. */
  get longJobMs(): number {
    const value = this.#read('notifyAfterMinutes');
    const minutes = typeof value === 'number' && Number.isFinite(value) ? value : usualLongMinutes;
    return minutes <= 0 ? Infinity : minutes * 60_000;
  }

  onDidChangeRestUrl(listener: () => void): vscode.Disposable {
    return this.#vs.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${settingsSection}.restUrl`)) {
        listener();
      }
    });
  }

  #milliseconds(name: (typeof settings)[number], { min, max, usual }: typeof refreshBounds): number {
    const value = this.#read(name);
    const seconds = typeof value === 'number' && Number.isFinite(value) ? value : usual;
    return Math.min(max, Math.max(min, seconds)) * 1000;
  }

  #read(name: (typeof settings)[number]): unknown {
    return this.#vs.workspace.getConfiguration(settingsSection).get(name);
  }
}
