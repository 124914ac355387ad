import type { OnEvent } from '../core/journal/run-event.ts';
import type { JobResult } from '../core/jobs/conclude.ts';
import { mayComeLater, missingResults } from '../core/journal/records.ts';
import { isLoopback } from '../core/runpod/connection.ts';
import type { Remedy } from '../core/remedy.ts';
import { endedWords } from '../core/words/index.ts';
import { exitCodeOf, exitCodes } from './exit.ts';
import { hintLines } from './remedies.ts';
import { Renderer } from './render.ts';
import { summary } from './summary.ts';
import { makeStyle, printable, type Style } from './style.ts';

/** Where a command's words go: lines for people, or one JSON object a line with `--json`. */
export interface Output {
  json: boolean;
  style: Style;
  /** Columns of the terminal; undefined where there is none. */
  width: number | undefined;
  /** The lines below a message that name the commands which help. */
  hints: (remedies: readonly Remedy[]) => string[];
  onEvent: OnEvent;
  /** Text for people only. */
  note: (text: string) => void;
  /** A value that programs want; `text` is the same for people. */
  result: (value: object, text: string) => void;
}

export function makeOutput(options: { json?: boolean; sandbox?: boolean }): Output {
  const json = options.json === true;
  const given = { argv: process.argv.slice(2), sandbox: options.sandbox };
  const hints = (remedies: readonly Remedy[]): string[] => hintLines(remedies, given);
  const terminal = process.stdout.isTTY;
  const style = makeStyle(terminal && process.env.NO_COLOR === undefined);
  const write = (text: string): void => void process.stdout.write(text);
  // JSON leaves some control characters as they are, and a terminal would obey them.
  const escape = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const line = (value: object): void =>
    write(`${JSON.stringify(value).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, escape)}\n`);
  const width = (): number => process.stdout.columns;
  const renderer = new Renderer({ write, interactive: terminal, free: isFree(options), width }, style, hints);
  return {
    json,
    style,
    hints,
    width: terminal ? width() : undefined,
    onEvent: json ? (event) => line({ time: new Date().toISOString(), ...event }) : (event) => renderer.show(event),
    note: (text) => {
      if (!json) {
        write(`${text}\n`);
      }
    },
    result: (value, text) => {
      if (json) {
        line({ time: new Date().toISOString(), ...value });
      } else {
        write(`${text}\n`);
      }
    },
  };
}

/** Whether a command is at work with the sandbox, which charges nothing. */
function isFree({ sandbox }: { sandbox?: boolean }): boolean {
  return sandbox === true || isLoopback(process.env.RUNPOD_REST_URL ?? '');
}

/** What a client knows of a job that it leaves. */
function detachedText({ view, lastHeard, unfollowed, reason }: JobResult): string {
  if (unfollowed === true) {
    const heard = lastHeard === undefined ? '' : `, and was last heard at ${lastHeard.toLocaleTimeString()}`;
    return `Detached: the job goes on as far as is known${heard}, but it cannot be followed.\n${printable(reason ?? '')}`;
  }
  if (view.finished !== undefined) {
    return `Detached; the job ${endedWords[view.status === 'starting' || view.status === 'running' ? 'unknown' : view.status]}, and another program is at its results.`;
  }
  return lastHeard === undefined
    ? 'Detached: the job goes on.'
    : `Detached while the link to the pod was down; the job was last heard at ${lastHeard.toLocaleTimeString()}.`;
}

/** Prints how a job ended, or how to come back to one that goes on. Returns the exit code. */
export function finish(output: Output, result: JobResult): number {
  const { record, outcome, reason, cost, results, view } = result;
  const missing = missingResults(record);
  const again: readonly Remedy[] =
    mayComeLater(missing) && result.unrecorded !== true ? [{ do: 'fetch', job: record.job }] : [];
  const value = {
    type: 'result',
    job: record.job,
    outcome,
    unfollowed: result.unfollowed,
    reason,
    cost,
    results,
    notHome: missing,
    podEnded: record.podEnded,
    steps: view.steps,
    remedies: result.remedies,
  };
  const { job } = record;
  const back: readonly Remedy[] = [
    { do: 'attach', job },
    { do: 'cancel', job },
  ];
  const text =
    outcome === 'detached'
      ? [`\n${detachedText(result)}`, ...output.hints(result.remedies ?? back)]
      : [summary(result, output.style, output.width), ...output.hints([...(result.remedies ?? []), ...again])];
  output.result(value, text.join('\n'));
  if (outcome === 'succeeded' && missing !== undefined) {
    return exitCodes.notHome;
  }
  return result.unfollowed === true ? exitCodes.lost : exitCodeOf(outcome);
}
