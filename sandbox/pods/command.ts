import { Problem } from '../problem.ts';

/** A container's start command as its three descriptions: one raw string, and the two arrays that it encodes. */
export interface StartCommand {
  args: string;
  cmd: string[];
  entrypoint: string[];
}

/** Splits a shell string into words; quotes and backslashes work as in a POSIX shell, nothing is expanded. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote === "'") {
      if (character === "'") quote = '';
      else word = (word ?? '') + character;
    } else if (character === '\\' && index + 1 < text.length) {
      index += 1;
      const next = text.charAt(index);
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote === '"') {
      if (character === '"') quote = '';
      else word = (word ?? '') + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
}

function parse(args: string): StartCommand {
  if (args.trimStart().startsWith('{')) {
    try {
      const { entrypoint, cmd } = JSON.parse(args) as { entrypoint?: unknown; cmd?: unknown };
      return { args, cmd: strings(cmd) ?? [], entrypoint: strings(entrypoint) ?? [] };
    } catch {
      // Not JSON after all: a shell string that begins with a brace.
    }
  }
  return { args, cmd: splitWords(args), entrypoint: [] };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Brings the three fields of a request together; they may be given at once only when they describe one command. */
export function startCommand(
  given: { args?: string | undefined; cmd?: string[] | undefined; entrypoint?: string[] | undefined },
  before: StartCommand = { args: '', cmd: [], entrypoint: [] },
): StartCommand {
  const { args, cmd, entrypoint } = given;
  if (cmd === undefined && entrypoint === undefined) return args === undefined ? before : parse(args);
  const next = { cmd: cmd ?? before.cmd, entrypoint: entrypoint ?? before.entrypoint };
  const text =
    next.entrypoint.length > 0
      ? JSON.stringify({ entrypoint: next.entrypoint, cmd: next.cmd })
      : next.cmd.map(quoted).join(' ');
  if (args !== undefined) {
    const told = parse(args);
    if (JSON.stringify([told.entrypoint, told.cmd]) !== JSON.stringify([next.entrypoint, next.cmd])) {
      throw new Problem(400, 'args describes a different command than cmd and entrypoint');
    }
    return told;
  }
  return { args: text, ...next };
}
