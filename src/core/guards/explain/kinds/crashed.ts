import { constants } from 'node:os';
import { lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const names = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE'] as const;
const patterns = [
  /Fatal Python error: (?:Segmentation fault|Aborted|Bus error|Illegal instruction|Floating.point exception)/,
  /^(?:\S+: (?:line \d+: +\d+ )?)?(?:Segmentation fault|Aborted|Bus error|Illegal instruction)(?: +\(core dumped\)|$)/,
  /Signal (?:11|6|7|4) \(SIG(?:SEGV|ABRT|BUS|ILL)\) received by PID/,
  /died with <Signals\.SIG(?:SEGV|ABRT|BUS|ILL|FPE)/,
  /^terminate called (?:after throwing|without an active)/,
  /\b(?:it was ended by|It crashed with|process \d+ terminated with signal) (?:SIG(?:SEGV|ABRT|BUS|ILL|FPE))\b/,
];

/** Native code crashed, not Python. */
export const crashed: Detector = {
  kind: 'crashed',
  detect: ({ lines, step, reasons }) => {
    const hit = lastHit(lines, ...patterns);
    const code = step?.exitCode ?? 0;
    const number = code < 0 ? -code : code - 128;
    const signal = names.find((name) => constants.signals[name] === number);
    const said = reasons.find((reason) => patterns.some((p) => p.test(reason)));
    if (hit === undefined && said === undefined && signal === undefined) {
      return undefined;
    }
    const place = hit && lines.slice(hit.at).find((line) => /^ {2}File "/.test(line));
    const old = hit?.line.includes('llegal instruction') === true || signal === 'SIGILL';
    return {
      at: hit?.at ?? -0.3,
      what: `A process of the step ${step?.name ?? 'at work'} crashed in native code${signal === undefined ? '' : ` (${signal})`}.`,
      evidence: [...new Set([hit?.line, place, said].filter((t) => t !== undefined).map((line) => shown(line)))].concat(
        signal === undefined ? [] : [`exit code ${code}`],
      ),
      why: old
        ? "A package was built for another processor than the host's."
        : 'A compiled package went wrong, most often one that does not fit the torch or CUDA of the image; Python had no chance to say where.',
      next: 'Set PYTHONFAULTHANDLER to 1 under "env" and run again: the log then ends with the place in the Python code.',
      change: null,
    };
  },
};
