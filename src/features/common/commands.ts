import type * as vscode from 'vscode';
import type { CommandId } from '../ids.ts';
import type { Disposable } from './disposables.ts';
import type { Failures } from './failures.ts';
import type { Log } from './log.ts';

/** Arguments come from menus, lenses, links or other extensions: a handler checks what it uses. */
export type CommandHandler = (...args: unknown[]) => unknown;

/** The one place where commands are registered; what a handler throws is shown to the user. */
export class CommandRegistry {
  readonly #vs: typeof vscode;
  readonly #log: Log;
  readonly #failures: Failures;
  readonly #titles: ReadonlyMap<string, string>;

  /** @param manifest the extension's package.json, from which messages take the commands' titles */
  constructor(vs: typeof vscode, log: Log, failures: Failures, manifest: unknown) {
    this.#vs = vs;
    this.#log = log;
    this.#failures = failures;
    this.#titles = titlesOf(manifest);
  }

  /** A command answers what its handler answers, and undefined when that failed. */
  register(id: CommandId, handler: CommandHandler): Disposable {
    return this.#vs.commands.registerCommand(id, async (...args: unknown[]) => {
      const title = this.#titles.get(id) ?? id;
      this.#log.debug(`Command: ${title}`);
      try {
        return await handler(...args);
      } catch (error) {
        this.#failures.show(error, title);
        return undefined;
      }
    });
  }
}

function titlesOf(manifest: unknown): Map<string, string> {
  const contributed = (manifest as { contributes?: { commands?: { command: string; title: string }[] } }).contributes;
  return new Map((contributed?.commands ?? []).map((c) => [c.command, c.title]));
}
