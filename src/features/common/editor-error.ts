import { UserError, type Explanation } from '../../core/errors.ts';
import type { Button } from './remedies.ts';

/** A failure of the editor's own, with buttons for what only the editor has. */
export class EditorError extends UserError {
  readonly buttons: readonly Button[];

  constructor(code: string, explanation: Explanation, buttons: readonly Button[]) {
    super(code, explanation);
    this.buttons = buttons;
  }
}
