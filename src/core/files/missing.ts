import { UserError } from '../errors.ts';
import { isLeftOut, scanNoteText, type ScanNote } from '../words/index.ts';
import { ruleText } from './excluded.ts';
import type { ScanResult } from './scan.ts';

type Left = Pick<ScanResult, 'ignored'> & { notes: readonly ScanNote[] };

/** Entries of the lists that match no file, with the reason where there is something of that name all the same. */
export function missingFiles(missing: readonly { list: string; pattern: string }[], left: Left): UserError {
  const reasons = missing.flatMap(({ pattern }) => whyLeftOut(pattern, left) ?? []);
  return new UserError('files-missing', {
    what: `Files that the project must upload are missing: ${missing.map(({ pattern }) => pattern).join(', ')}.`,
    why:
      reasons.length > 0
        ? reasons.join(' ')
        : 'Each entry of "sync.must" and "sync.data" has to match at least one file.',
    next:
      reasons.length > 0
        ? 'Change what leaves them out, or remove the entry. Nothing was sent or rented.'
        : 'Make the files (a local step may do it) or remove the entry. Nothing was sent or rented.',
  });
}

/** Why what an entry names is not uploaded although it is there: a rule, or a link; undefined where nothing is there. */
export function whyLeftOut(pattern: string, { ignored, notes }: Left): string | undefined {
  const rule = ignored.find(({ examples }) => examples.some((name) => meets(pattern, name)));
  if (rule !== undefined) {
    return `${pattern} is there, but ${ruleText(rule)} leaves it out.`;
  }
  const note = notes.find((one) => isLeftOut(one) && meets(pattern, one.path));
  return note && scanNoteText(note);
}

/** Whether an entry names this path, or one above or below it. */
function meets(pattern: string, name: string): boolean {
  const fixed = pattern.replace(/[*?[].*$/s, '').replace(/\/$/, '');
  const path = name.replace(/\/$/, '');
  return fixed !== '' && (path === fixed || path.startsWith(`${fixed}/`) || fixed.startsWith(`${path}/`));
}
