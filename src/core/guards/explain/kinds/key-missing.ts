import { brief, lastHit, ownCode, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const patterns = [
  /KeyError: ['"]Field "([^"]+)" does not exist in schema['"]/,
  /KeyError: ["']Column '?([^'"]+?)'? not in the dataset/,
  /ArrowInvalid: No match for FieldRef\.Name\(([^)]+)\)/,
  /ColumnNotFoundError: (?:unable to find column )?"?([^\s";]+)/,
  /KeyError: ["']\[?['"]?([^'"\]]+)['"]?\]? (?:not in index|not found in axis)["']/,
  /KeyError: (?:'([^']+)'|"([^"]+)")\s*$/,
];
const environment = /<frozen os>|\/os\.py[":]|os\.environ\[/;

/** A column, a field or a variable that the code asks for is not there. */
export const keyMissing: Detector = {
  kind: 'key-missing',
  detect: ({ lines, frames, step }) => {
    const hit = lastHit(lines, ...patterns);
    const key = hit?.match[1] ?? hit?.match[2];
    if (hit === undefined || key === undefined) {
      return undefined;
    }
    const isVariable = /^\w+$/.test(key) && frames.slice(-4).some((frame) => environment.test(frame));
    const name = step?.name ?? 'at work';
    return {
      at: hit.at,
      what: isVariable
        ? `The step ${name} reads the variable ${brief(key)}, which it was not given.`
        : `The code asks for "${brief(key)}", which what it reads does not have.`,
      evidence: [shown(hit.line), ...ownCode(frames)],
      why: isVariable
        ? 'A step has the variables of "env", those of the image and the secrets that it lists; those of this computer stay here.'
        : 'A column or field has another name in the data, or is only in a part of it.',
      next: isVariable
        ? `Set it under "env", or list it under "secrets" of the step when it is one.`
        : 'Compare the name with those in the data; a gate of type "columns" on the step before finds it sooner.',
      change: null,
    };
  },
};
