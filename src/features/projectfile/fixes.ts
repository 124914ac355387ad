import { modify } from 'jsonc-parser';
import type { Problem } from '../../core/project/parse.ts';

/** A change of the project file's text. */
interface TextChange {
  offset: number;
  length: number;
  content: string;
}

export interface Fix {
  title: string;
  /** The one that is most likely right. */
  preferred: boolean;
  changes: TextChange[];
  /** A file to make, relative to the project's folder, and its content. */
  create?: { file: string; content: string };
}

const format = { formattingOptions: { insertSpaces: true, tabSize: 2 } };

/** What can be done about a problem; nothing for most of them. */
export function fixesOf(text: string, problem: Problem): Fix[] {
  const { fix, offset, length, path } = problem;
  if (fix === undefined) {
    return [];
  }
  if (fix.kind === 'rename') {
    const change = { offset, length, content: JSON.stringify(fix.to) };
    return [
      { title: `Rename to "${fix.to}"`, preferred: true, changes: [change] },
      { title: `Remove "${String(path.at(-1))}"`, preferred: false, changes: modify(text, path, undefined, format) },
    ];
  }
  const create = { file: fix.file, content: emptyFile(fix.file) };
  const step = path.slice(0, 2);
  return [
    { title: `Create ${fix.file}`, preferred: true, changes: [], create },
    { title: 'Remove this step', preferred: false, changes: modify(text, step, undefined, format) },
  ];
}

/** The smallest file of its kind that runs. */
export function emptyFile(file: string): string {
  return file.endsWith('.ipynb')
    ? `${JSON.stringify({ cells: [], metadata: { kernelspec: { name: 'python3', display_name: 'Python 3' } }, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`
    : '';
}
