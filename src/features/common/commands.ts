import type * as vscode from 'vscode';
import type { CommandId } from '../ids.ts';
import type { Disposable } from './disposables.ts';
import type { Failures } from './failures.ts';
import type { Log } from './log.ts';

/** Arguments come from menus, lenses, links or other extensions: a handler checks what it uses. */
export type CommandHandler = (...args: unknown[]) => unknown;

/** A second call within this time is the same click, in ms; the systems' own limits of a double click are shorter. */
const doubleClickMs = 800;

export interface CommandOptions {
  /** One at a time whatever it is about: a second call is the first one. */
  alone?: boolean;
}

interface Call {
  since: number;
  answer: Promise<unknown>;
}

/** The one place where commands are registered; what a handler throws is shown to the user. */
export class CommandRegistry {
  readonly #vs: typeof vscode;
  readonly #log: Log;
  readonly #failures: Failures;
  readonly #titles: ReadonlyMap<string, string>;
  readonly #running = new Map<string, Call>();

  /** @param manifest the extension's package.json, from which messages take the commands' titles */
  constructor(vs: typeof vscode, log: Log, failures: Failures, manifest: unknown) {
    this.#vs = vs;
    this.#log = log;
    this.#failures = failures;
    this.#titles = titlesOf(manifest);
  }

  /**
   * A command answers what its handler answers, and undefined when that failed. While it is at work for a row, a file or
   * anything else that has a name, a second call for the same joins it: two clicks are one action.
   */
  register(id: CommandId, handler: CommandHandler, { alone = false }: CommandOptions = {}): Disposable {
    return this.#vs.commands.registerCommand(id, (...args: unknown[]) => {
      const about = alone ? '' : aboutOf(args);
      const key = JSON.stringify([id, about]);
      const running = this.#running.get(key);
      if (running !== undefined && (alone || about !== '' || performance.now() - running.since < doubleClickMs)) {
        this.#log.debug(`Command again: ${id}`);
        return running.answer;
      }
      const call: Call = { since: performance.now(), answer: this.#run(id, handler, args) };
      this.#running.set(key, call);
      const over = (): void => {
        if (this.#running.get(key) === call) {
          this.#running.delete(key);
        }
      };
      return (call.answer = call.answer.finally(over));
    });
  }

  async #run(id: CommandId, handler: CommandHandler, args: unknown[]): Promise<unknown> {
    const title = this.#titles.get(id) ?? id;
    this.#log.debug(`Command: ${title}`);
    try {
      return await handler(...args);
    } catch (error) {
      this.#failures.show(error, title);
      return undefined;
    }
  }
}

/** What names a row, a place or a thing among all that a command may be about. */
const names = ['scheme', 'authority', 'path', 'query', 'id', 'volume', 'name', 'step', 'job', 'file', 'gate'] as const;

/** Names what a command is about; empty where nothing does. */
function aboutOf(args: readonly unknown[]): string {
  const told = args.map((arg) => {
    if (typeof arg !== 'object' || arg === null) {
      return typeof arg === 'string' ? [arg] : [];
    }
    const has = arg as Partial<Record<(typeof names)[number], unknown>>;
    return names.flatMap((name) => (typeof has[name] === 'string' ? [`${name}=${has[name]}`] : []));
  });
  const named = told.filter((of) => of.length > 0);
  return named.length === 0 ? '' : JSON.stringify(named);
}

function titlesOf(manifest: unknown): Map<string, string> {
  const contributed = (manifest as { contributes?: { commands?: { command: string; title: string }[] } }).contributes;
  return new Map((contributed?.commands ?? []).map((c) => [c.command, c.title]));
}
