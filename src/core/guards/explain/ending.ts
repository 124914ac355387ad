import { chainsOf, type Chain, type Raised } from './tracebacks.ts';

/** How a step's log ends. */
export interface Ending {
  /** What ended the step: the error itself, then what it came from, the nearest first. Empty where the log shows none. */
  errors: readonly Raised[];
  /** What was said before; the step survived it. */
  before: readonly string[];
}

/** Finds how a log ends. Only its last error counts: whatever stands before it was survived. */
export function endingOf(log: readonly string[]): Ending {
  const { chains, texts } = chainsOf(log.map(plainLine));
  const last = chains.findLast((chain) => !chain.aside);
  if (last === undefined || wentOn(outside(chains, texts, last.said + 1, texts.length))) {
    return lastWords(texts, last);
  }
  const found = [...trueCauses(chains, last, texts), last];
  // What an error tells within a launcher's or a notebook's error is told by that one.
  const around = chains.filter((c) => isWrapper(c) && found.some((f) => chains[chains.indexOf(f) - 1] === c));
  return {
    errors: found.flatMap(believed).map(withoutNoise),
    before: texts.slice(0, Math.min(...[...found, ...around].map((chain) => chain.from))),
  };
}

/** The lines from one place to before another that belong to no traceback. */
function outside(chains: readonly Chain[], texts: readonly string[], from: number, to: number): string[] {
  return texts.slice(from, to).filter((_, i) => !chains.some((c) => c.from <= from + i && from + i <= c.said));
}

/** A line without colours, without what a progress bar wrote over, and short enough for every pattern. */
export function plainLine(line: string): string {
  const text = line.replace(/\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g, '').trimEnd();
  const last = text.split('\r').findLast((part) => part.trim() !== '') ?? '';
  return last.length <= 1000 ? last : `${last.slice(0, 600)} … ${last.slice(-400)}`;
}

/** Errors that only say that something else failed. */
const wrappers =
  /(?:^|\.)(?:CalledProcessError|ChildFailedError|CellExecutionError|PapermillExecutionError|ProcessRaisedException|ProcessExitedException|SystemExit)$/;
const bySignal = /Signal (?!15|2 )\d+ \(SIG|died with <Signals\.|terminated with signal/;
/** Errors that a process has because another process of its job went away. */
const followed = /DistBackendError|DistStoreError|\bNCCL\b|gloo\b|Connection (?:closed|reset) by peer/i;
const importing = /(?:^|\.)(?:ImportError|ModuleNotFoundError)$/;

function isWrapper({ errors }: Chain): boolean {
  const final = errors.at(-1);
  return final !== undefined && wrappers.test(final.name) && !bySignal.test(rootOf(final));
}

/** What a launcher says of the process that failed first; the others were ended by it. */
function rootOf({ message }: Raised): string {
  const text = message.join('\n');
  return text.slice(text.indexOf('Root Cause') + 1);
}

/** Where the last chain only says that something else failed: that. */
function trueCauses(chains: readonly Chain[], last: Chain, texts: readonly string[]): Chain[] {
  const final = last.errors.at(-1);
  if (!isWrapper(last) || final === undefined) {
    // Processes of one job fail one after the other; the first that has a reason of its own began.
    const isPeer = (chain: Chain): boolean => chain.rank !== undefined && chain.rank !== last.rank && !chain.aside;
    const own = isFollower(last) ? chains.find((c) => isPeer(c) && !isFollower(c)) : undefined;
    return own === undefined ? [] : [own];
  }
  const inner = chains.filter(
    (chain) =>
      chain.said < last.from &&
      !chain.aside &&
      !isWrapper(chain) &&
      !wentOn(outside(chains, texts, chain.said + 1, last.from)),
  );
  const rank = /^\s*rank\s*: (\d+)/m.exec(rootOf(final))?.[1];
  const chosen =
    inner.findLast((chain) => chain.rank !== undefined && chain.rank === rank) ??
    inner.find((chain) => chain.rank !== undefined && !isFollower(chain)) ??
    inner.at(-1);
  return chosen === undefined ? [] : [chosen];
}

function isFollower({ errors }: Chain): boolean {
  return errors.at(-1)?.message.some((text) => followed.test(text)) === true;
}

/** The errors of a chain, the last one first; an import that was tried and handled is none of its causes. */
function believed({ errors }: Chain): Raised[] {
  const final = errors.at(-1);
  return errors
    .filter((e, i) => e === final || errors[i + 1]?.link !== 'context' || !importing.test(e.name))
    .toReversed();
}

/** What libraries print when a process ends, whatever it died of, and what launchers say of a process that failed. */
const noise = [
  /^\s*$/,
  /huggingface\/tokenizers: The current process just got forked/,
  /^\s*(?:To disable this warning, you can either:|- Avoid using `tokenizers`|- Explicitly set the environment variable TOKENIZERS_PARALLELISM)/,
  /^wandb:/,
  /\bdestroy_process_group\(\)/,
  /resource_tracker: |^\s*warnings\.warn\(/,
  /^(?:CUDA kernel errors might be|For debugging consider passing|Compile with `TORCH_USE_CUDA_DSA`|Search for `cudaError)/,
  /^[WEIF]\d{4} \d\d:\d\d:\d\d/,
  /^frame #\d+:|^Exception raised from .*\(most recent call first\)/,
  /^(?:=|-|\*|#){5,}$/,
  /\d+%\|.*\|/,
  /\b(?:it\/s|s\/it)\b/,
  /^(?:g?make(?:\[\d+\])?: \*\*\*|npm (?:ERR!|error))/,
  /^(?:error: )?(?:the )?(?:training|train|step|job|command|script|process|run)(?: \S+)? (?:has )?failed\W*$/i,
  /(?:returned non-zero exit status|exited with(?: exit)? (?:code|status)|exit (?:code|status)) \d+\W*$/i,
  /^For further information visit https:\/\/errors\.pydantic\.dev/,
  /^\S*env: use -\[v\]S to pass options/,
  /^(?:note|hint): |^╰─|^×|^\[notice\]/,
];
/** Words of a program that goes on with its work, and figures of it. */
const goingOn =
  /\b(?:retry(?:ing)?|trying again|trying (?:with|to)|falling ?back|fell back|continu(?:es|ed|ing)|skipp(?:ed|ing)|handled|recover(?:ed|ing)|ignored|ignoring|going on|resum(?:ed|ing)|survived)\b/i;
const advice = /\b(?:you|your|please|should|could|if)\b/i;
const figures = /\b(?:loss|acc|accuracy|epoch|step|batch|iter|iteration|lr|score|f1|reward)\b["']?\s*[:=#]?\s*\[?\d/i;
/** A program says so many lines after an error that ends it, part of its message among them. */
const mostAfter = 12;

function isWork(text: string): boolean {
  return (goingOn.test(text) && !advice.test(text)) || (figures.test(text) && !complaint.test(text));
}

/** Whether a program went on with its work in these lines. */
function wentOn(texts: readonly string[]): boolean {
  const told = texts.filter((text) => !isNoise(text));
  return told.some(isWork) || told.filter((text) => !/^\s/.test(text)).length > mostAfter;
}

function isNoise(text: string): boolean {
  return noise.some((n) => n.test(text));
}

function withoutNoise({ frames, message }: Raised): Raised {
  const [first = '', ...rest] = message;
  return { frames, message: [first, ...rest.filter((text) => !isNoise(text)).slice(0, 40)] };
}

/** How programs without a traceback say what they died of. */
const complaint =
  /\b(?:\w*error|fatal|fail(?:ed|ure|s)|\w*exception|abort(?:ed|ing)?|cannot|can't|could not|couldn't|denied|not found|no such|unable|killed|segmentation|panick?(?:ed)?|core dumped|invalid|exceeded|out of memory|no space|refused|unrecognized|missing|no module|keyboardinterrupt|interrupted|terminated|not accessible)\b/i;
/** Python's fault handler; where the code was stands after it. */
const faulted = /^Fatal Python error: /;

/** The last words of a log that ends without a traceback: a complaint that nothing follows. */
function lastWords(texts: readonly string[], handled: Chain | undefined): Ending {
  const words = texts
    .map((text, at) => ({ text, at }))
    .filter(({ text, at }) => !isNoise(text) && at > (handled?.said ?? -1) && !/^\s/.test(text));
  const last = words.find(({ text }) => faulted.test(text)) ?? words.at(-1);
  return last === undefined || isWork(last.text) || !complaint.test(last.text)
    ? { errors: [], before: texts }
    : { errors: [{ frames: [], message: texts.slice(last.at) }], before: texts.slice(0, last.at) };
}
