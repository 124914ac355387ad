import { count } from './count.ts';

/** Something that a list of the project names and that is left out all the same. `to` is what a link leads to, `rule` what leaves that out. */
export type LeftOut =
  | {
      code: 'not-regular' | 'not-unicode' | 'link-to-nothing' | 'link-outside' | 'link-to-other' | 'link-in-circle';
      path: string;
    }
  | { code: 'link-to-excluded'; path: string; to: string; rule: string };

/** What the search for files met that might surprise. */
export type ScanNote =
  LeftOut | { code: 'names-alike'; path: string; other: string } | { code: 'more-names-alike'; count: number };

export function isLeftOut(note: ScanNote): note is LeftOut {
  return note.code !== 'names-alike' && note.code !== 'more-names-alike';
}

/** The sentence of a note. */
export function scanNoteText(note: ScanNote): string {
  switch (note.code) {
    case 'not-regular':
      return `${note.path} is not a regular file and was left out.`;
    case 'not-unicode':
      return `The name of ${note.path} is not valid Unicode; it was left out.`;
    case 'link-to-nothing':
      return `${note.path} is a link to nothing and was left out.`;
    case 'link-outside':
      return `${note.path} is a link out of the project and was left out.`;
    case 'link-to-excluded':
      return `${note.path} is a link to ${note.to} and was left out by ${note.rule}.`;
    case 'link-to-other':
      return `${note.path} is a link to something that is not a regular file and was left out.`;
    case 'link-in-circle':
      return `${note.path} is a link to a folder that contains it and was left out.`;
    case 'names-alike':
      return `${note.other} and ${note.path} differ only in case or accents: on Windows and macOS one would replace the other.`;
    case 'more-names-alike':
      return `${count(note.count, 'more name')} ${note.count === 1 ? 'differs' : 'differ'} only in case or accents.`;
  }
}
