import type * as vscode from 'vscode';
import { CancelledError, messageOf, UserError } from '../../core/errors.ts';
import { commands } from '../ids.ts';
import { EditorError } from './editor-error.ts';
import type { Log } from './log.ts';
import { NothingToDo } from './nothing-to-do.ts';
import { buttonsOf, press, type Button } from './remedies.ts';

/** As long as what was done is said, in ms. */
const quietMs = 8_000;

const showLog: Button = { title: 'Show Log', command: commands.showLog };

/** The text and the buttons for a failure; undefined when the user asked for the stop. */
export function describeFailure(
  error: unknown,
  doing: string,
  vs: Pick<typeof vscode, 'Uri'>,
): { text: string; buttons: Button[]; unexpected: boolean } | undefined {
  if (error instanceof CancelledError) {
    return undefined;
  }
  if (error instanceof UserError) {
    const own = error instanceof EditorError ? error.buttons : [];
    // What RunPod answered is in the log alone.
    const log = error.code === 'runpod-schema' ? [showLog] : [];
    const buttons = [...buttonsOf(vs, error.remedies), ...own, ...log];
    return { text: error.message, buttons, unexpected: false };
  }
  const text = `"${doing}" failed for a reason that was not foreseen: ${messageOf(error)}`;
  return { text, buttons: [showLog], unexpected: true };
}

/** Shows failures to the user: one message each, with buttons for what helps. */
export class Failures {
  readonly #vs: typeof vscode;
  readonly #log: Log;

  constructor(vs: typeof vscode, log: Log) {
    this.#vs = vs;
    this.#log = log;
  }

  /** Does not wait for the user. `doing` is what was attempted, in the user's words. */
  show(error: unknown, doing: string): void {
    if (error instanceof NothingToDo) {
      this.#note(error);
      return;
    }
    const failure = describeFailure(error, doing, this.#vs);
    if (failure === undefined) {
      return;
    }
    this.#log.error(`${doing}:`, error instanceof Error && failure.unexpected ? error : failure.text);
    const { text, buttons } = failure;
    this.#press(this.#vs.window.showErrorMessage(text, ...buttons.map((b) => b.title)), buttons);
  }

  #note({ message, buttons }: NothingToDo): void {
    const { window } = this.#vs;
    if (buttons.length === 0) {
      window.setStatusBarMessage(`$(info) ${message}`, quietMs);
    } else {
      this.#press(window.showInformationMessage(message, ...buttons.map((b) => b.title)), buttons);
    }
  }

  #press(asked: Thenable<string | undefined>, buttons: readonly Button[]): void {
    void asked.then((chosen) =>
      press(
        this.#vs,
        buttons.find((b) => b.title === chosen),
      ),
    );
  }
}
