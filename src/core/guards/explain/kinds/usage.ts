import { brief, lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

/** argparse and its kin (absl, transformers' parser), then click and typer. */
const patterns = [
  /^([\w./-]+): error: ((?:the following arguments are required|unrecognized arguments|argument |one of the arguments|invalid choice|ambiguous option|expected |not allowed).*)/,
  /^Error: ()((?:No such (?:option|command)|Missing (?:option|argument|parameter|command)|Invalid value|Got unexpected extra argument|Option .* requires).*)/,
  /^│ ()((?:No such (?:option|command)|Missing (?:option|argument|parameter)|Invalid value|Got unexpected extra).*?) *│$/,
  /^ValueError: ()(Some specified arguments are not used by the HfArgumentParser: .*)/,
];

/** The program does not take the arguments that the step gives. */
export const usage: Detector = {
  kind: 'usage',
  detect: ({ lines, step }) => {
    const hit = lastHit(lines, ...patterns);
    if (hit === undefined) {
      return undefined;
    }
    const program = hit.match[1] === '' ? 'The program' : brief(hit.match[1] ?? 'The program');
    return {
      at: hit.at,
      what: `${program} does not take the arguments that the step ${step?.name ?? 'at work'} gives.`,
      evidence: [shown(hit.line)],
      why: 'A program that is called in a way that it does not know ends before it does anything.',
      next: 'Correct "args" or the command of the step in the project file; the line above names the argument.',
      change: null,
    };
  },
};
