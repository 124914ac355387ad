import { parseTree, printParseErrorCode, type ParseError } from 'jsonc-parser';

/** Text as it was in the bytes, or why they are no text, with the place (line and column from 1). */
export type Decoded = { text: string } | { fault: string; line: number; column: number };

const atStart: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['UTF-32', [0xff, 0xfe, 0, 0]],
  ['UTF-32', [0, 0, 0xfe, 0xff]],
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-16', [0xfe, 0xff]],
];

/**
 * Decodes a file that people write by hand. A byte order mark of UTF-8, which Windows editors put first, is passed over;
 * other encodings are named, and a byte that is no UTF-8 is named with its place instead of being replaced.
 */
export function decodeText(bytes: Uint8Array): Decoded {
  const wide = atStart.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte))?.[0] ?? unmarkedUtf16(bytes);
  if (wide !== undefined) {
    return { fault: `The file is in ${wide}; save it as UTF-8`, line: 1, column: 1 };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const at = firstBad(bytes);
    const before = new TextDecoder().decode(bytes.subarray(0, at)).split(/\r\n|\r|\n/);
    const hex = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
    const fault = `The byte 0x${hex} is not UTF-8 text; save the file as UTF-8`;
    return { fault, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }
}

/** ASCII as PowerShell and others write it without a mark: every other byte is zero. */
function unmarkedUtf16(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  const little = a !== 0 && b === 0 && c !== 0 && d === 0;
  const big = a === 0 && b !== 0 && c === 0 && d !== 0;
  return bytes.length >= 4 && (little || big) ? 'UTF-16' : undefined;
}

/** The first byte that belongs to no character, by halving: what is before it decodes. */
function firstBad(bytes: Uint8Array): number {
  const sound = (length: number): boolean => {
    try {
      // As a stream, so that a character cut off at the end is no fault.
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (sound(middle)) {
      good = middle;
    } else {
      bad = middle;
    }
  }
  // The fault shows at byte `good`, which may be later than the start of its broken character.
  let start = good;
  while (start > 0 && good - start < 3 && !complete(bytes.subarray(0, start))) {
    start -= 1;
  }
  return start;
}

function complete(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
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
