import { lastHit, ownCode, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const weightsOnly = /Weights only load failed|weights_only/;
const json = [/\bJSONDecodeError: /, /ArrowInvalid: JSON parse error/];
const code = /UnicodeDecodeError: '([\w-]+)' codec can't decode byte/;
const patterns = [
  ...json,
  code,
  /Parquet magic bytes not found in footer|Could not open Parquet input source|Not a Parquet file/i,
  /ArrowInvalid: (?:CSV parse error|Not an Arrow file|Not an? \w+ file)/,
  /UnpicklingError|EOFError: Ran out of input/,
  /PytorchStreamReader failed/,
  /SafetensorError: Error while deserializing/,
  /zipfile\.BadZipFile|BadZipFile: /,
  /BadGzipFile: |Not a gzipped file|EOFError: Compressed file ended/,
  /tarfile\.(?:ReadError|TruncatedHeaderError)|^ReadError: /,
  /UnidentifiedImageError: /,
  /TOMLDecodeError: |yaml\.(?:scanner|parser)\.\w+Error|^(?:Scanner|Parser)Error: /,
];

/** Data that the code cannot read. */
export const dataUnreadable: Detector = {
  kind: 'data-unreadable',
  detect: ({ lines, frames }) => {
    const hit = lastHit(lines, ...patterns);
    if (hit === undefined) {
      return undefined;
    }
    const isEmpty = /Expecting value: line 1 column 1 \(char 0\)/.test(hit.line);
    const code_ = code.exec(hit.line)?.[1];
    const first = {
      at: hit.at,
      evidence: [shown(hit.line), ...ownCode(frames)],
      change: null,
    };
    if (lines.some((line) => weightsOnly.test(line)) && /UnpicklingError/.test(hit.line)) {
      return {
        ...first,
        what: 'torch does not load a checkpoint that holds more than tensors.',
        why: 'Since torch 2.6 a checkpoint is read without running what is in it, unless the code says otherwise.',
        next: 'For a file that you made yourself: torch.load(..., weights_only=False), or save only the state_dict.',
      };
    }
    return {
      ...first,
      what: json.some((pattern) => pattern.test(hit.line))
        ? 'The step reads as JSON what is none.'
        : code_ === undefined
          ? 'A file that the step reads is damaged, cut off or of another kind than the code expects.'
          : `A file that the step reads is not text in the encoding ${code_}.`,
      why: isEmpty
        ? 'It is empty, or begins with something else: a page of an error, a pointer of Git LFS, a file of another format.'
        : 'It was not written or copied to its end, is a pointer of Git LFS in place of the file, or is of another format.',
      next: 'Look at the first bytes of the file, here and on the volume; write or fetch it again.',
    };
  },
};
