import { lastHit, ownCode, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const kinds: readonly { what: string; why: string; next: string; patterns: readonly RegExp[] }[] = [
  {
    what: 'The checkpoint does not fit the model that it is loaded into.',
    why: 'It was written by a model of other sizes or with other layers: another base, number of labels, vocabulary or version.',
    next: 'Build the model with the settings of the run that wrote the checkpoint, or begin without it.',
    patterns: [/Error\(s\) in loading state_dict for/, /^\s*size mismatch for /],
  },
  {
    what: 'A label or an index is outside of what the model has a place for.',
    why: 'The data holds more classes, longer texts or larger ids than the model was built with.',
    next: 'Compare the largest label and id in the data with the number of classes, the vocabulary and the length of the model. On a GPU the line of code may be a later one: CUDA_LAUNCH_BLOCKING=1 under "env" shows the right one.',
    patterns: [
      /IndexError: index out of range in self/,
      /IndexError: Target -?\d+ is out of bounds/,
      /device-side assert triggered/,
    ],
  },
  {
    what: 'Tensors that are used together lie on different devices.',
    why: 'One was left on the CPU, or on another GPU, when the others were moved.',
    next: 'Move the inputs to the device of the model before they are used.',
    patterns: [
      /Expected all tensors to be on the same device/,
      /Input type \(torch\.cuda\.\w+\) and weight type \(torch\.(?!cuda)\w+\)/,
      /Input type \(torch\.(?!cuda)\w+\) and weight type \(torch\.cuda\.\w+\)/,
    ],
  },
  {
    what: 'Tensors that are used together are of different types.',
    why: 'One is of another precision (float32, float64, bfloat16, integer) than the operation takes.',
    next: 'Cast one of them, or let autocast choose; what comes from NumPy is float64.',
    patterns: [
      /expected (?:scalar type|m1 and m2|mat1 and mat2).*(?:but (?:found|got)|to have the same dtype)/,
      /must have the same dtype/,
      /to have one of the following scalar types/,
      /result type \w+ can't be cast to/,
      /"\w+" not implemented for '\w+'/,
      /Input type \(.+\) and (?:weight|bias) type \(.+\) should be the same/,
      /(?:Found|expected) dtype \w+ but (?:expected|got) \w+/i,
    ],
  },
  {
    what: 'Tensors or arrays that are used together have sizes that do not fit.',
    why: 'The data has another form than the model expects, or a batch holds rows of different lengths.',
    next: 'The line names both sizes: look which of them is not the one that you expect.',
    patterns: [
      /mat1 and mat2 shapes cannot be multiplied/,
      /size of tensor a \(\d+\) must match the size of tensor b/,
      /The expanded size of the tensor/,
      /stack expects each tensor to be equal size/,
      /Sizes of tensors must match except in dimension/,
      /shape '\[[^\]]*\]' is invalid for input of size/,
      /operands could not be broadcast together/,
      /shapes .{1,80} not aligned/,
      /matmul: Input operand \d has a mismatch/,
      /Expected input batch_size \(\d+\) to match target batch_size/,
      /Given groups=\d+, weight of size/,
      /inconsistent numbers? of samples/,
      /all (?:the )?input array(?:s| dimensions)\b.*must (?:have the same shape|match exactly)/,
      /setting an array element with a sequence\. The requested array has an inhomogeneous shape/,
      /Unable to create tensor, you should probably activate truncation and\/or padding/,
    ],
  },
];

/** Tensors that do not fit together, or not the model. */
export const tensors: Detector = {
  kind: 'tensors',
  detect: ({ lines, frames }) => {
    for (const { patterns, ...said } of kinds) {
      const hit = lastHit(lines, ...patterns);
      if (hit !== undefined) {
        return { at: hit.at, ...said, evidence: [shown(hit.line), ...ownCode(frames)], change: null };
      }
    }
    return undefined;
  },
};
