/** How a text can be read for ASCII words in it: `latin1` stands for every encoding that has ASCII as it is. */
export type TextEncoding = 'latin1' | 'utf16le' | 'utf16be';

/** So much of the beginning decides, in bytes. */
const head = 8192;

/** What begins with one of these is data, whatever follows. No text begins so, not even one about such files. */
const magic = [
  'PK\x03\x04|PK\x05\x06', // zip, npz, pt, docx
  '\x1f\x8b', // gzip
  'BZh[1-9]1AY&SY', // bzip2
  '\xfd7zXZ\0', // xz
  '[\x22-\x28]\xb5\x2f\xfd|\x04\x22\x4d\x18', // zstd, lz4
  '7z\xbc\xaf', // 7-Zip
  'Rar!\x1a\x07', // rar
  'PAR1[^]{0,11}[\0-\x08\x0e-\x1f]', // parquet
  'ARROW1\0\0|\xff{4}[^]{2}\0\0\x10\0\0\0', // feather, Arrow
  'Obj\x01', // avro
  'ORC[\0-\x08\x0e-\x1f]', // orc
  '\x89HDF\r\n\x1a\n', // hdf5
  '\x93NUMPY', // numpy
  '[^]{3}[\0-\x05]\0{4}\\{"|[^]{3}[\0-\x05]\0{4}\\{\\}', // safetensors
  'GGUF[\x01-\x09]\0\0\0',
  '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19', // older checkpoints of torch
  '\x89PNG\r\n\x1a\n',
  '\xff\xd8\xff', // jpeg
  'GIF8[79]a[^]{0,8}[\0-\x08\x0e-\x1f\x80-\xff]',
  'II\\*\0|MM\0\\*', // tiff
  'BM[^]{4}\0{4}', // bmp
  'RIFF[^]{4}(?:WAVE|WEBP|AVI )',
  'FORM[^]{4}AIF',
  'OggS\0',
  'fLaC[\0\x80]',
  'ID3[\x02-\x04]\0', // mp3
  '\xff[\xf2\xf3\xfa\xfb\xf1\xf9]', // mp3, aac
  '\0{2}[^]{2}ftyp', // mp4
  '\x1a\x45\xdf\xa3', // mkv, webm
  '\x7fELF',
];
export const isMagic = new RegExp(`^(?:${magic.join('|')})`);

/** Whether the beginning of a file says that it is data; anything else may be text. */
export function isData(content: Buffer): boolean {
  return isMagic.test(content.toString('latin1', 0, 64));
}

/** What the beginning of a file is most likely read as; `bytes` when it is data of a kind that is not known. */
export function encodingOf(content: Buffer): TextEncoding | 'bytes' {
  const start = content.subarray(0, head);
  if (start[0] === 0xff && start[1] === 0xfe) {
    return 'utf16le';
  }
  if (start[0] === 0xfe && start[1] === 0xff) {
    return 'utf16be';
  }
  const controls = start.reduce((sum, byte) => sum + (isControl(byte) ? 1 : 0), 0);
  if (controls < Math.max(2, start.length / 50)) {
    // A log may hold some.
    return 'latin1';
  }
  const [little, big] = [likelyUnits(start, 0), likelyUnits(start, 1)];
  if (Math.max(little, big) <= (start.length >> 1) * 0.9) {
    return 'bytes';
  }
  return little >= big ? 'utf16le' : 'utf16be';
}

/** How many units of UTF-16 are ones that people write; `low` is where in a pair its lower byte stands. */
function likelyUnits(bytes: Buffer, low: 0 | 1): number {
  let likely = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    likely += isLikely((bytes[at + low] ?? 0) | ((bytes[at + 1 - low] ?? 0) << 8)) ? 1 : 0;
  }
  return likely;
}

/** Characters that a text has hardly ever. */
function isControl(byte: number): boolean {
  return (byte < 0x20 && !(byte >= 8 && byte <= 13) && byte !== 0x1b) || byte === 0x7f;
}

/** Whether people write this unit of UTF-16: letters of the scripts that are in use, and the signs between them. */
function isLikely(unit: number): boolean {
  return (
    (unit >= 0x20 && unit < 0x7f) ||
    (unit >= 9 && unit <= 13) ||
    (unit >= 0xa0 && unit < 0x700) ||
    (unit >= 0x900 && unit < 0x1100) ||
    (unit >= 0x1e00 && unit < 0x2700) ||
    (unit >= 0x3000 && unit < 0xa000) ||
    (unit >= 0xac00 && unit < 0xe000) ||
    unit >= 0xfe00
  );
}

/** What is written in bytes of which many are zero: they, and where there is no text, go. */
export interface Visible {
  text: string;
  /** Somewhere each character has a zero beside it, as UTF-16 writes ASCII. */
  isWide: boolean;
}

/** Shorter stretches of what is no text say nothing. */
const shortest = 16;

export function visibleIn(bytes: Buffer, onlyText: boolean): Visible {
  const kept = Buffer.allocUnsafe(bytes.length + 1);
  let length = 0;
  let begun = 0;
  let pairs = 0;
  let isWide = false;
  let before = 1;
  for (const byte of bytes) {
    if (byte === 0) {
      pairs = before === 0 ? 0 : pairs + 1;
      isWide ||= pairs >= shortest;
    } else {
      pairs = before === 0 ? pairs : 0;
      if (!onlyText || (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13)) {
        kept[length++] = byte;
      } else {
        if (length - begun < shortest) {
          length = begun;
        } else {
          kept[length++] = 1;
        }
        begun = length;
      }
    }
    before = byte;
  }
  return { text: kept.toString('latin1', 0, length), isWide };
}
