import { basename } from 'node:path';
import {
  unexplained,
  type Evidence,
  type Explanation,
  type FailureKind,
  type ProjectPath,
} from '../../core/guards/explain/index.ts';
import type { Remedy } from '../../core/remedy.ts';
import { caps, type ToldExplanation } from '../../messages/job-panel.ts';
import { buttonOf } from '../common/remedies.ts';
import { plainText } from '../common/text.ts';

/** Lines of evidence that the page shows; the whole log is beside it. */
const mostLines = 12;
const mostRemedies = 3;
/** So many changed files are named. */
const mostNamed = 3;

/** What a button of the explanation does. */
export type ExplanationAct =
  | { do: 'remedy'; remedy: Remedy }
  | { do: 'apply' }
  | { do: 'resume' }
  | { do: 'gate'; path: ProjectPath }
  | { do: 'line'; file: string; line: number };

/** Everything that the page is made from. */
export interface Explained {
  explanation: Explanation | undefined;
  evidence: Evidence;
  /** Why the job ended, as its record has it. */
  reason: string | undefined;
  /** What of the project was changed here since; undefined where nobody knows. */
  changed: readonly string[] | undefined;
  gate: ProjectPath | undefined;
  line: { file: string; line: number } | undefined;
}

export interface ExplanationView {
  told: ToldExplanation;
  /** One for each button of the page. */
  acts: ExplanationAct[];
}

/** May well pass when it is tried again as it is. */
const passing: readonly FailureKind[] = ['no-stock', 'pod-gone', 'terminated', 'network', 'stalled'];
/** What helps is no change of the project. */
const outside: readonly FailureKind[] = ['no-balance', 'volume-full', 'hugging-face', 'key-missing', 'permission'];

const sentence = (text: string): string => plainText(text, caps.sentence);
const shownLines = (lines: readonly string[]): string[] => lines.map((line) => plainText(line, 300));

/** Why a job failed, each thing once, and what can be done; the first choice is never what would fail again as it is. */
export function explanationView(known: Explained): ExplanationView {
  const { explanation } = known;
  const body = explanation === undefined ? unknownCause(known) : knownCause(explanation);
  const acts = actsOf(known);
  const first = firstOf(acts, known);
  return {
    told: {
      ...body,
      acts: acts.map((act, i) => ({ title: titleOf(act, explanation), first: i === first })),
      note: noteOf(known),
    },
    acts,
  };
}

type Body = Omit<ToldExplanation, 'acts' | 'note'>;

function knownCause({ what, evidence, also, why, next, change }: Explanation): Body {
  const said = `${what} ${why} ${next}`;
  // A gate's message says what was seen and expected; other lines may stand in a sentence too.
  const seen = evidence.filter((line) => !said.includes(line) && !saysTheSame(line, why));
  return {
    what: sentence(what),
    seen: shownLines(seen.slice(0, mostLines)).map((text) => ({ name: '', text })),
    also: shownLines(also),
    why: sentence(why),
    next: sentence(next),
    change: change === null ? undefined : changeText(change, next),
    last: [],
  };
}

function changeText({ path, from, to, text }: NonNullable<Explanation['change']>, next: string): string | undefined {
  if (path === null) {
    return undefined;
  }
  const place = path.map((p) => (typeof p === 'number' ? `[${p}]` : `.${p}`)).join('');
  const values = [from, to].map((value) => plainText(JSON.stringify(value), 300));
  // What to do has named the values then.
  const isSaid = text !== '' && next.includes(text);
  return sentence(`In the project file: ${place.replace(/^\./, '')}${isSaid ? '' : `, from ${values.join(' to ')}`}.`);
}

/** `rows: seen 4, expected >= 9` is said by a sentence that has both numbers. */
function saysTheSame(line: string, why: string): boolean {
  const [, seen, expected] = /: seen (.+), expected (.+)$/.exec(line) ?? [];
  const has = (text: string): boolean => {
    const figures = text.match(/[\w.]*\d[\w.]*/g) ?? [];
    return figures.length > 0 && figures.every((figure) => why.includes(figure));
  };
  return seen !== undefined && expected !== undefined && has(seen) && has(expected);
}

function unknownCause({ evidence, reason }: Explained): Body {
  const { error, also } = unexplained(evidence);
  const last = shownLines(evidence.log.slice(-mostLines));
  const why = reason === undefined ? undefined : sentence(reason);
  const isNew = error !== undefined && why?.includes(error) !== true && !last.includes(error);
  return {
    what: 'No known cause was recognised, and nothing is guessed.',
    seen: isNew ? [{ name: '', text: plainText(error, 300) }] : [],
    also: shownLines(also),
    why,
    next: undefined,
    change: undefined,
    last,
  };
}

function actsOf({ explanation, gate, line }: Explained): ExplanationAct[] {
  const { remedies = [], change, resume } = explanation ?? { change: null, resume: null };
  const able = change?.path != null && resume !== null;
  return [
    ...remedies.slice(0, mostRemedies).map((remedy) => ({ do: 'remedy' as const, remedy })),
    ...(able ? [{ do: 'apply' as const }] : []),
    ...(explanation?.kind === 'gate' && gate !== undefined ? [{ do: 'gate' as const, path: gate }] : []),
    ...(explanation?.kind !== 'gate' && line !== undefined ? [{ do: 'line' as const, ...line }] : []),
    ...(resume !== null || explanation === undefined ? [{ do: 'resume' as const }] : []),
  ];
}

/** Whether going on as things are is likely to end as before. */
function wouldFailAgain({ explanation, changed }: Explained): boolean {
  const kind = explanation?.kind;
  return changed?.length === 0 && (kind === undefined || (!passing.includes(kind) && !outside.includes(kind)));
}

/** What helps comes first, then going on where that may end otherwise, then looking at what failed. */
function firstOf(acts: readonly ExplanationAct[], known: Explained): number {
  const { explanation, changed } = known;
  const mayPass =
    (changed !== undefined && changed.length > 0) || (explanation !== undefined && passing.includes(explanation.kind));
  const wanted: ExplanationAct['do'][] = ['remedy', 'apply', ...(mayPass ? (['resume'] as const) : []), 'gate', 'line'];
  for (const kind of wanted) {
    const at = acts.findIndex((act) => act.do === kind);
    if (at >= 0) {
      return at;
    }
  }
  return -1;
}

function titleOf(act: ExplanationAct, explanation: Explanation | undefined): string {
  switch (act.do) {
    case 'remedy':
      return plainText(buttonOf(act.remedy, (path) => path).title, 100);
    case 'apply':
      return 'Apply and Resume…';
    case 'gate':
      return 'Show Gate in Project File';
    case 'line':
      return plainText(`Open ${basename(act.file)}, Line ${act.line}`, 100);
    case 'resume': {
      const from = explanation?.resume?.from;
      return from === undefined ? 'Run Again…' : plainText(`Resume from ${from}…`, 100);
    }
  }
}

function noteOf(known: Explained): string | undefined {
  const { changed } = known;
  if (wouldFailAgain(known)) {
    return 'Nothing of the project has changed on this computer since: as it is, it would most likely end the same way.';
  }
  if (changed === undefined || changed.length === 0) {
    return undefined;
  }
  const more = changed.length > mostNamed ? ` and ${changed.length - mostNamed} more` : '';
  return sentence(`Changed since: ${changed.slice(0, mostNamed).join(', ')}${more}.`);
}
