import { messageOf } from '../../core/errors.ts';
import { clock } from '../../core/words/index.ts';
import { plainLine } from '../../messages/terminal-text.ts';

/** Text of unknown origin for a page or a dialog: without control characters and not too long. */
export function plainText(text: string, length = 2_000): string {
  const plain = text
    .slice(0, length * 2)
    .split('\n')
    .map(plainLine)
    .join('\n');
  return plain.length <= length ? plain : `${plain.slice(0, length - 1)}…`;
}

/** Why something could not be found out or done, for a page. */
export function failureText(error: unknown): string {
  return plainText(messageOf(error));
}

/** Local time of an ISO time, with the day where that is another one: `09:12`, `3 May 09:12`. */
export function timeText(iso: string): string {
  const time = new Date(iso);
  const today = time.toDateString() === new Date().toDateString();
  const day = time.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return today ? clock(time) : `${day} ${clock(time)}`;
}
