import { brief, lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const patterns = [
  /PermissionError: \[Errno (?:1|13)\] [^:]+: '([^']+)'/,
  /^(?:\S*\/)?(?:bash|sh|dash): (?:line )?(?:\d+: )?([^:]+): Permission denied/,
  /^\w+: (?:cannot \w+(?: \w+)? )?[‘']?([^’':]+)[’']?: (?:Permission denied|Operation not permitted)/,
  /Permission denied \(os error 13\)/,
  /^PermissionError: (?:\[Errno (?:1|13)\] )?(?:Permission denied|Operation not permitted)$/,
];

/** Something is there and may not be used so. */
export const permission: Detector = {
  kind: 'permission',
  detect: ({ lines, step }) => {
    const hit = lastHit(lines, ...patterns);
    if (hit === undefined) {
      return undefined;
    }
    const path = hit.match[1];
    const isStarted = step?.exitCode === 126 || (path !== undefined && /^(?:\S*\/)?(?:bash|sh|dash): /.test(hit.line));
    return {
      at: hit.at,
      what:
        path === undefined
          ? 'The step may not use a file or folder in the way in which it tried.'
          : isStarted
            ? `The step starts ${brief(path)}, which is not allowed to be started.`
            : `The step may not read or write ${brief(path)}.`,
      evidence: [shown(hit.line)],
      why: isStarted
        ? 'A file is started only with the right to be executed, which a transfer from some machines does not carry.'
        : 'The file or folder belongs to the system or to another user, or its disk can only be read.',
      next: isStarted
        ? 'Let its interpreter read it, for example "bash" and then its name, or give it the right with chmod in the step before.'
        : 'Let the step write into the project folder, or change the rights in the step before.',
      change: null,
    };
  },
};
