/** An error that a program told of: the code that it came through, and what it said. */
export interface Raised {
  frames: readonly string[];
  /** The line that names the error, and those after it that may belong to it. */
  message: readonly string[];
}

/** An error and those that it came from, in the order in which Python tells them. */
export interface Chain {
  errors: readonly Told[];
  /** The process of a launcher; undefined where no prefix tells. */
  rank: string | undefined;
  /** It ended nothing: a thread, a destructor, the logging itself. */
  aside: boolean;
  /** The first line of its first traceback, and the line that names its last error. */
  from: number;
  said: number;
}

export interface Told extends Raised {
  name: string;
  /** How it follows from the one before it. */
  link: 'cause' | 'context' | 'within' | undefined;
}

interface Line {
  text: string;
  rank: string | undefined;
  at: number;
}

const header = /^(Original )?(?:Exception Group )?Traceback \(most recent call last\):?$/;
const notebookHeader = /^([A-Za-z_]\w*) +Traceback \(most recent call last\)$/;
const frame = /^ {2,}(?:File "[^"]*"|Cell In\s?\[\d+\]), line \d+(?:, in .*)?$/;
const named = /^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?::(?:\s|$)|$)/;
const cause = /^The above exception was the direct cause of the following exception:/;
const context = /^During handling of the above exception, another exception occurred:/;
const asides =
  /^(?:Exception ignored (?:in|on)\b|Exception in thread\b|--- Logging error ---|Error in atexit\b|Exception in callback\b|Task exception was never retrieved|Error in sys\.excepthook)/;

/** All chains of tracebacks by where they end, and the lines without the prefixes of launchers. */
export function chainsOf(log: readonly string[]): { chains: Chain[]; texts: string[] } {
  const lines = log.map((text, at) => ({ ...unprefixed(text), at }));
  const ranks = [...new Set(lines.map((line) => line.rank))];
  const chains = ranks
    .flatMap((rank) => chainsOfOne(lines.filter((line) => line.rank === rank)))
    .toSorted((a, b) => a.said - b.said);
  return { chains, texts: lines.map((line) => line.text) };
}

/** A line without the prefix of launchers (`[rank0]: `, `[default0]:`) and without the bars of exception groups. */
function unprefixed(text: string): Omit<Line, 'at'> {
  const [prefix = '', rank] = /^\[(?:rank|default)(\d+)\]:\s?/.exec(text) ?? [];
  return { rank, text: text.slice(prefix.length).replace(/^(?: +\| | +\+(?= Exception Group) )/, '') };
}

function chainsOfOne(lines: readonly Line[]): Chain[] {
  const chains: (Chain & { errors: Told[] })[] = [];
  let link: Told['link'];
  let aside: number | undefined;
  for (let i = 0; i < lines.length; i++) {
    const text = lines[i]?.text ?? '';
    if (cause.test(text) || context.test(text)) {
      link = cause.test(text) ? 'cause' : 'context';
    } else if (asides.test(text)) {
      aside = lines[i]?.at;
    } else if (isStart(text) || frame.test(text)) {
      const within = header.exec(text)?.[1] === undefined ? link : 'within';
      const found = readError(lines, i, within);
      if (found !== undefined) {
        const { error, said, next } = found;
        const before = chains.at(-1);
        if (error.link !== undefined && before !== undefined) {
          before.errors.push(error);
          before.said = said;
        } else {
          chains.push({
            errors: [error],
            rank: lines[i]?.rank,
            aside: aside !== undefined,
            from: aside ?? lines[i]?.at ?? 0,
            said,
          });
        }
        i = next - 1;
      }
      link = undefined;
      aside = undefined;
    }
  }
  return chains;
}

function isStart(text: string): boolean {
  return header.test(text) || notebookHeader.test(text);
}

/** So many lines that do not belong there may stand in a traceback. */
const mostForeign = 5;

function readError(
  lines: readonly Line[],
  start: number,
  link: Told['link'],
): { error: Told; said: number; next: number } | undefined {
  const type = notebookHeader.exec(lines[start]?.text ?? '')?.[1];
  let foreign = 0;
  for (let i = start + 1; i < lines.length; i++) {
    const text = lines[i]?.text ?? '';
    if (isStart(text)) {
      return undefined;
    }
    const name = named.exec(text)?.[1];
    if (name !== undefined && (type === undefined || name === type || name.endsWith(`.${type}`))) {
      const next = endOfMessage(lines, i + 1);
      const [frames, message] = [lines.slice(start, i), lines.slice(i, next)].map((part) => part.map((l) => l.text));
      return { error: { name, frames: frames ?? [], message: message ?? [], link }, said: lines[i]?.at ?? 0, next };
    }
    // Frames of a notebook stand at the margin.
    if (type === undefined && text !== '' && !/^\s/.test(text) && ++foreign > mostForeign) {
      return undefined;
    }
  }
  return undefined;
}

function endOfMessage(lines: readonly Line[], from: number): number {
  const ends = (text: string): boolean =>
    isStart(text) || frame.test(text) || cause.test(text) || context.test(text) || asides.test(text);
  for (let i = from; i < lines.length; i++) {
    if (ends(lines[i]?.text ?? '')) {
      return i;
    }
  }
  return lines.length;
}
