import type { Button } from './remedies.ts';

/**
 * A command found nothing that it could do: no failure. The message is a sentence; it is said in the status bar, or as
 * information where something else can be done, which a button offers.
 */
export class NothingToDo extends Error {
  override readonly name = 'NothingToDo';
  readonly buttons: readonly Button[];

  constructor(message: string, buttons: readonly Button[] = []) {
    super(message);
    this.buttons = buttons;
  }
}
