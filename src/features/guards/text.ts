import { messageOf } from '../../core/errors.ts';
import { plainLine } from '../../messages/terminal-text.ts';

/** Text of unknown origin for a page or a dialog: without control characters and not too long. */
export function shown(text: string, length = 2_000): string {
  const plain = text
    .slice(0, length * 2)
    .split('\n')
    .map(plainLine)
    .join('\n');
  return plain.length <= length ? plain : `${plain.slice(0, length - 1)}…`;
}

/** Why something could not be found out or done, for a page. */
export function failureText(error: unknown): string {
  return shown(messageOf(error));
}
