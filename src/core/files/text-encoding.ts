/** How a text can be read for ASCII words in it: `latin1` stands for every encoding that has ASCII as it is. */
export type TextEncoding = 'latin1' | 'utf16le' | 'utf16be';

/** So much of the beginning decides, in bytes. */
const head = 8192;

/** Begins with these: data, whatever follows. Each has a byte that no text has, or is long enough. */
const magic = [
  'PK\x03\x04', // zip, npz, pt, docx
  '\x1f\x8b', // gzip
  'BZh', // bzip2
  '\xfd7zXZ', // xz
  '\x28\xb5\x2f\xfd', // zstd
  '7z\xbc\xaf', // 7-Zip
  'Rar!\x1a', // rar
  'PAR1', // parquet
  'ARROW1', // feather
  'Obj\x01', // avro
  '\x89HDF', // hdf5
  '\x93NUMPY', // numpy
  '\x89PNG',
  '\xff\xd8\xff', // jpeg
  'GIF8',
  'II*\0', // tiff
  'MM\0*',
  'RIFF', // wav, webp, avi
  'OggS',
  'fLaC',
  'ID3', // mp3
  '\xff\xfb', // mp3
  '%PDF-',
  '\x7fELF',
];

/** Control characters that a text has hardly ever: without any it is text, whatever it begins with. */

const control = /[\0-\x07\x0e-\x1a\x1c-\x1f\x7f]/;

/** How the beginning of a file says that it is text; undefined for what is none. */
export function encodingOf(content: Buffer): TextEncoding | undefined {
  const start = content.subarray(0, head);
  if (start[0] === 0xff && start[1] === 0xfe) {
    return 'utf16le';
  }
  if (start[0] === 0xfe && start[1] === 0xff) {
    return 'utf16be';
  }
  if (!control.test(start.toString('latin1'))) {
    return 'latin1';
  }
  const zeros = [0, 0];
  let controls = 0;
  for (const [at, byte] of start.entries()) {
    if (byte === 0) {
      zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
    } else if ((byte < 0x20 && !(byte >= 8 && byte <= 13) && byte !== 0x1b) || byte === 0x7f) {
      controls += 1;
    }
  }
  const [even = 0, odd = 0] = zeros;
  const isMagic = magic.some((begin) => start.subarray(0, begin.length).toString('latin1') === begin);
  if (even + odd === 0) {
    // A log may hold some.
    return !isMagic && controls < start.length / 50 ? 'latin1' : undefined;
  }
  // Mostly ASCII in pairs of bytes, with no mark that says so.
  const half = start.length / 2;
  if (!isMagic && odd > half * 0.7 && even < half * 0.05) {
    return 'utf16le';
  }
  return !isMagic && even > half * 0.7 && odd < half * 0.05 ? 'utf16be' : undefined;
}
