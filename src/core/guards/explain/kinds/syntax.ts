import { brief, lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const patterns = [
  /^((?:Syntax|Indentation|Tab)Error): (.+)/,
  /^(?:\S*\/)?(?:bash|sh|dash): (?:.*: )?(?:line )?(\d+)?:? ?(?:[Ss]yntax error|unexpected EOF)(.*)/,
];
const place = /^ *(?:File "([^"]+)"|(Cell In\s?\[\d+\])), line (\d+)/;

/** Code that cannot be read at all. */
export const syntax: Detector = {
  kind: 'syntax',
  detect: ({ lines, frames, step }) => {
    const hit = lastHit(lines, ...patterns);
    if (hit === undefined) {
      return undefined;
    }
    const isPython = /^(?:Syntax|Indentation|Tab)Error/.test(hit.line);
    const where = lastHit(frames, place);
    const file = where?.match[1] ?? where?.match[2];
    // Text that a program reads as code is its data (ast.literal_eval, eval).
    if (isPython && (file === undefined || /^<(?!ipython)/.test(file))) {
      return undefined;
    }
    const at = where === undefined ? '' : `${brief(file ?? '')}, line ${where.match[3] ?? ''}`;
    return {
      at: hit.at,
      what: isPython
        ? `Python cannot read ${at}.`
        : `The shell cannot read the command of the step ${step?.name ?? 'at work'}.`,
      evidence: [...(where === undefined ? [] : [shown(where.line)]), shown(hit.line)],
      why: isPython
        ? "The code is not valid for the Python of the pod, which may be older than this machine's."
        : 'A quote, bracket or word that belongs to another one is missing, or the command was written for another shell than bash.',
      next: isPython ? 'Correct that place, then go on from this step.' : 'Correct the command in the project file.',
      change: null,
    };
  },
};
