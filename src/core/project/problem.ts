import type { Path } from './place-words.ts';

/** Something wrong in a project file, with its place in the text (`offset` and `length` in UTF-16 units). */
export interface Problem {
  path: Path;
  message: string;
  offset: number;
  length: number;
  severity: 'error' | 'warning';
  /** The text is no JSON here, which every editor of JSON says as well. */
  isSyntax?: true;
  /** What could be done about it, for quick fixes. */
  fix?: ProblemFix | undefined;
}

/**
 * `rename`: a field has a name that the schema does not know, and `to` is probably meant. `use`: the same of a value.
 * `file`: a file that is named does not exist; `near` is one that does and is probably meant, `create` one that could be
 * made, relative to the project's folder.
 */
export type ProblemFix =
  | { kind: 'rename'; to: string }
  | { kind: 'use'; to: string }
  | { kind: 'file'; near?: string | undefined; create?: string | undefined };

/** What a custom issue of the schema carries beside its message. */
export interface IssueNote {
  /** The message is a whole sentence and names the place itself. */
  whole?: true;
  /** The value that is probably meant. */
  use?: string;
}
