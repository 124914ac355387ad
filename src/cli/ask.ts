import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { applyEdits } from 'jsonc-parser';
import * as z from 'zod';
import { limits } from '../core/contract.ts';
import { CancelledError, UserError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { readIfThere, writeFileAtomic } from '../core/files/atomic.ts';
import { goneEdits, type GoneAnswer } from '../core/project/gone.ts';
import { warningOf, type OnEvent } from '../core/journal/run-event.ts';
import { commandText, trustDigest } from '../core/project/local-steps.ts';
import type { RunPlan } from '../core/jobs/plan.ts';
import { interruption } from './interrupt.ts';
import type { AskGone } from '../core/volumes/ghosts.ts';
import type { AskAdopt } from '../core/volumes/origins.ts';
import { printable } from './style.ts';

const isTerminal = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

/** Asks yes or no on a terminal; `--yes` answers for the user, and without a terminal it has to. */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) {
    return;
  }
  if (!isTerminal()) {
    throw new UserError('needs-yes', {
      what: `This needs your consent: ${question}`,
      next: 'Run it in a terminal, or add --yes.',
    });
  }
  if (!isYes(await answerTo(`${question} [y/N] `))) {
    throw new CancelledError('Nothing was started.');
  }
}

/** Asks for one of some words on a terminal; undefined where there is none. The first is meant by an empty answer. */
export async function choose<T extends string>(
  about: string,
  question: string,
  answers: Readonly<Record<T, string>>,
): Promise<T | undefined> {
  if (!isTerminal()) {
    return undefined;
  }
  const words = Object.keys(answers) as T[];
  const lines = words.map((word) => `  ${word}: ${answers[word]}`);
  const answer = await answerTo(`${about}\n${question}\n${lines.join('\n')}\n[${words.join('/')}] `);
  return words.find((word) => word === answer.trim().toLowerCase()) ?? words[0];
}

/** What is typed after a question; nothing when nobody answers. */
async function answerTo(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-C rejects the question and Ctrl-D closes the terminal; one that is gone fails. Each is a no.
    const gone = new Promise<string>((resolve) => {
      terminal.once('close', () => resolve(''));
      terminal.on('error', () => resolve(''));
      process.stdin.on('error', () => resolve(''));
    });
    const asked = terminal.question(question, { signal: interruption }).catch(() => '');
    return await Promise.race([asked, gone]);
  } finally {
    terminal.close();
  }
}

/** Asks whether this folder may fill what another one has filled; to do that unasked needs an option of its own. */
export function askAdopt(adopt: boolean | undefined, yes: boolean): AskAdopt {
  return async (question) => {
    if (adopt !== true && (yes || !isTerminal())) {
      return false;
    }
    await confirm(`${question}\nLet this folder fill it?`, adopt === true);
    return true;
  };
}

/**
 * Asks whether data on the volume that is not here any more is removed or kept, and writes the answer into the project
 * file; `given` is an answer from the command line, and consent to something else is none.
 */
export function askGone(
  given: GoneAnswer | undefined,
  { loaded, profile }: RunPlan,
  yes: boolean,
  onEvent: OnEvent,
): AskGone {
  return async ({ text, patterns }) => {
    const answer = given ?? (await typedAnswer(text, yes));
    if (answer !== undefined) {
      await keepGoneAnswer(loaded.file, profile, answer, patterns).catch((error: unknown) =>
        onEvent(warningOf(error, 'The answer could not be kept in the project file, so it will be asked again: ')),
      );
    }
    return answer;
  };
}

async function typedAnswer(text: string, yes: boolean): Promise<GoneAnswer | undefined> {
  if (yes || !isTerminal()) {
    return undefined;
  }
  const how = `Remove there (for ${limits.removedDays} days it can be had back) or keep there? [remove/keep] `;
  const typed = (await answerTo(`${printable(text)}\n${how}`)).trim().toLowerCase();
  return (['remove', 'keep'] as const).find((answer) => typed !== '' && answer.startsWith(typed));
}

/** Writes it beside everything else that stands in the file. */
async function keepGoneAnswer(
  file: string,
  profile: string | undefined,
  answer: GoneAnswer,
  patterns: readonly string[],
): Promise<void> {
  const place = await realpath(file);
  const [, mark = '', text = ''] = /^(\uFEFF?)(.*)$/s.exec(await readFile(place, 'utf8')) ?? [];
  const changed = applyEdits(text, goneEdits(text, profile, answer, patterns));
  await writeFileAtomic(place, mark + changed, (await stat(place)).mode & 0o777);
}

export function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer.trim());
}

const trustedSchema = z.array(z.string());

/** Commands of a project file that run on this machine are shown and confirmed once per content. */
export async function confirmLocalSteps(
  home: string,
  { loaded: { root, project }, localSteps: steps }: Pick<RunPlan, 'loaded' | 'localSteps'>,
  yes: boolean,
): Promise<void> {
  if (steps.length === 0) {
    return;
  }
  const file = join(home, 'trusted.json');
  const digest = trustDigest(root, steps, project);
  const text = await readIfThere(file);
  const trusted = text === undefined ? [] : (trustedSchema.safeParse(parseJson(text)).data ?? []);
  if (trusted.includes(digest)) {
    return;
  }
  const lines = steps.map((s) => `  ${s.name}: ${commandText(s)}`);
  await confirm(`These steps of the project file run on this machine:\n${lines.join('\n')}\nRun them?`, yes);
  await writeFileAtomic(file, JSON.stringify([...trusted.slice(-199), digest]));
}
