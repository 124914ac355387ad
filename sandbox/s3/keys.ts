import { accessDenied, badArgument, Refusal } from './refusal.ts';
import { decode, splitOnce } from './signature.ts';

/** Folder of unfinished uploads in a volume's root, as the platform has it; no key leads into it. */
export const uploadsFolder = '.s3compat_uploads';

/** A file or, with a trailing slash, a folder of a volume. */
export interface Key {
  /** As clients write it. */
  text: string;
  /** Names from the volume's root down; never empty. */
  segments: string[];
  /** Whether it ends with a slash. */
  folder: boolean;
}

/** Bucket and key of a raw URL in path style; '' where there is none. */
export function splitUrl(url: string): { bucket: string; key: string } {
  const path = splitOnce(url, '?')[0];
  if (!path.startsWith('/') || path.startsWith('//'))
    throw new Refusal(400, 'InvalidURI', 'Could not parse the specified URI.');
  const [bucket, key] = splitOnce(path.slice(1), '/');
  return { bucket: decode(bucket), key: decode(key) };
}

/** Checks that a key names something inside a volume. Throws a `Refusal`. */
export function parseKey(text: string): Key {
  const folder = text.endsWith('/');
  const segments = (folder ? text.slice(0, -1) : text).split('/');
  if (Buffer.byteLength(text) > 1024) throw new Refusal(400, 'KeyTooLongError', 'Your key is too long.');
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..' || segment.includes('\0')) {
      throw badArgument('A key is a path without empty, "." or ".." parts.');
    }
    if (Buffer.byteLength(segment) > 255) throw new Refusal(400, 'KeyTooLongError', 'A part of your key is too long.');
  }
  if (segments[0] === uploadsFolder) throw accessDenied(`Keys in ${uploadsFolder}/ are not yours to use.`);
  return { text, segments, folder };
}

/** Order of keys in listings: by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
