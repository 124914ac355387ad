import type { Found } from './files.ts';
import { document, type Xml } from './xml.ts';

/** What an operation answers. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  xml?: string;
  /** Content to stream, from `start` to before `end`; it is closed afterwards. */
  content?: { file: Found['file']; start: number; end: number };
}

export const quoted = (etag: string): string => `"${etag}"`;

export function xmlAnswer(root: string, content: Xml, headers: Record<string, string> = {}): Answer {
  return { status: 200, headers, xml: document(root, content) };
}

export function emptyAnswer(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers };
}
