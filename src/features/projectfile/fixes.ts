import { modify } from 'jsonc-parser';
import type { Problem } from '../../core/project/problem.ts';

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
  if (fix.kind === 'use') {
    const change = { offset, length, content: JSON.stringify(fix.to) };
    return [{ title: `Use "${fix.to}"`, preferred: true, changes: [change] }];
  }
  const { near, create } = fix;
  const isEntry = path[0] === 'sync';
  const whole = isEntry || path[0] === 'target' ? path : path.includes('gates') ? path.slice(0, 4) : path.slice(0, 2);
  const what = isEntry ? 'entry' : path[0] === 'target' ? 'field' : path.includes('gates') ? 'gate' : 'step';
  return [
    ...(near === undefined
      ? []
      : [{ title: `Use ${near}`, preferred: true, changes: [{ offset, length, content: JSON.stringify(near) }] }]),
    ...(create === undefined
      ? []
      : [
          {
            title: `Create ${create}`,
            preferred: near === undefined,
            changes: [],
            create: { file: create, content: emptyFile(create) },
          },
        ]),
    { title: `Remove this ${what}`, preferred: false, changes: modify(text, whole, undefined, format) },
  ];
}

/** The smallest file of its kind that runs. */
export function emptyFile(file: string): string {
  return file.endsWith('.ipynb')
    ? `${JSON.stringify({ cells: [], metadata: { kernelspec: { name: 'python3', display_name: 'Python 3' } }, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`
    : '';
}
