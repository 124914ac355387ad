import { messageOf, throwIfCancelled } from '../../errors.ts';
import type { CapabilityName, CapabilityValue, Findings } from '../../home/capabilities.ts';

/** An open question about the platform and what came of asking. */
export interface Answer {
  id: string;
  question: string;
  /** `unknown`: asked, but it could not be told; `not asked`: this version has no way to ask. */
  status: 'answered' | 'unknown' | 'not asked';
  answer: string;
  seconds: number;
}

/** Collects answers as they come, and what of them is kept. */
export class Answers {
  readonly all: Answer[] = [];
  readonly findings: Findings = {};
  readonly #onAnswer: (answer: Answer) => void;
  readonly #now: () => Date;

  constructor(onAnswer: (answer: Answer) => void, now: () => Date = () => new Date()) {
    this.#onAnswer = onAnswer;
    this.#now = now;
  }

  /** Keeps a value with its time and how it was found. */
  keep<K extends CapabilityName>(name: K, value: CapabilityValue<K>, evidence: string): void {
    Object.assign(this.findings, { [name]: { value, time: this.#now().toISOString(), evidence } });
  }

  tell(id: string, question: string, status: Answer['status'], answer: string, started?: number): void {
    const seconds = started === undefined ? 0 : Math.round(performance.now() - started) / 1000;
    const told: Answer = { id, question, status, answer, seconds };
    this.all.push(told);
    this.#onAnswer(told);
  }

  /**
   * Asks one question: `ask` answers in a sentence, undefined when nothing can be told. Its failure is an answer of its
   * own and stops nothing, except that a cancelled check ends as one.
   */
  async ask(
    id: string,
    question: string,
    signal: AbortSignal | undefined,
    ask: () => Promise<{ answer: string; known: boolean }>,
  ): Promise<void> {
    const started = performance.now();
    try {
      const { answer, known } = await ask();
      this.tell(id, question, known ? 'answered' : 'unknown', answer, started);
    } catch (error) {
      throwIfCancelled(signal);
      this.tell(id, question, 'unknown', messageOf(error), started);
    }
  }
}

export const known = (answer: string): { answer: string; known: true } => ({ answer, known: true });
export const notKnown = (answer: string): { answer: string; known: false } => ({ answer, known: false });
