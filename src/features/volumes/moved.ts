import { byteText } from '../../core/words/index.ts';

/** `1.2 MB of 9.0 MB` and the percentage, for a progress message. */
export function movedText(bytes: number, total: number): [message: string, percent: number] {
  return [`${byteText(bytes)} of ${byteText(total)}`, total === 0 ? 0 : (bytes / total) * 100];
}
