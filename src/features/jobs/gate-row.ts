import type { GateResult } from '../../core/journal/events.ts';

/** A label that is longer hides what it was judged against. */
const longestSeen = 40;

/** A gate in a narrow list: the number that was seen first, then what was asked for, then of what. */
export function gateRow({ title, status, expected, seen }: GateResult): { label: string; description: string } {
  const [, which = '', bound = expected] = /^(last|best|worst) (.*)$/.exec(expected) ?? [];
  const sign = { passed: '✓', failed: '✗', error: '⚠' }[status];
  const short = seen.length > longestSeen ? `${seen.slice(0, longestSeen - 1)}…` : seen;
  return {
    label: `${short} ${sign} ${bound.replaceAll('>=', '≥').replaceAll('<=', '≤')}`,
    description: [title, which].filter(Boolean).join(', '),
  };
}
