import { parseTree, printParseErrorCode, type ParseError } from 'jsonc-parser';

/** Parses JSON; undefined for anything else. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What an object itself has under a name that somebody typed; `constructor` and the like, which every object inherits, are nothing. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Parses JSON; throws an Error that names the line and column at which it ends to be JSON. */
export function strictJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(faultOf(text.slice(0, mostSearched)), { cause: error });
  }
}

/** Enough to find a fault by; the rest of a large file says no more. */
const mostSearched = 16 << 20;

function faultOf(text: string): string {
  const faults: ParseError[] = [];
  try {
    parseTree(text, faults, { disallowComments: true });
  } catch {
    return 'line 1, column 1: not JSON, with values nested thousands deep';
  }
  const [{ offset, error } = { offset: 0, error: undefined }] = faults;
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  const why =
    error === undefined
      ? 'not JSON'
      : printParseErrorCode(error)
          .replace(/\B[A-Z]/g, ' $&')
          .toLowerCase();
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: ${why}`;
}
