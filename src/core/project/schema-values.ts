import * as z from 'zod';

// Kinds of values that several parts of the project file have.

/** For questions about an object that are asked also when another part of it is wrong. */
export function isObject({ value }: { value: unknown }): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,47}$/,
    'must be lower-case letters, digits, "-" and "_", at most 48, starting with a letter or digit',
  );

const pathInside = z
  .string()
  .min(1)
  .refine((p) => !p.startsWith('/') && !p.split('/').includes('..') && !/^[A-Za-z]:/.test(p), {
    message: 'must be a path inside the project, with "/" between folders and no ".."',
  })
  .refine((p) => p.split('/').every((part) => Buffer.byteLength(part) <= 255) && Buffer.byteLength(p) < 4096, {
    message: 'is longer than a file system takes: 255 bytes for a name, 4095 for a path',
  });

/** One file or folder, by the one spelling that is compared: `./a//b` is `a/b`. */
export const relativePath = pathInside.transform(
  (p) =>
    p
      .replace(/\/+/g, '/')
      .replace(/(^|\/)(?:\.\/)+/g, '$1')
      .replace(/\/\.$/, '') || '.',
);

/** The project folder itself, in whatever spelling. */
const isFolderItself = (p: string): boolean => /^(?:\.\/*)+$/.test(p);

export const pattern = pathInside
  .transform((p) => (isFolderItself(p) ? '**' : p))
  .describe(
    'A path or glob (`**`, `*`, `?`) relative to the project folder; a trailing `/` means everything below the folder, and `.` is the folder itself.',
  );

export const patterns = z.array(pattern);

/** Lines in the manner of .gitignore, which knows no `./`: what is meant is a place below the project folder. */
export const ignoreLines = z.array(
  pathInside
    .refine((p) => !isFolderItself(p), { message: 'is the project folder itself, of which nothing would be left' })
    .transform((p) => p.replace(/^(?:\.\/+)+/, '/'))
    .describe('A path or glob in the manner of .gitignore.'),
);

export const env = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of letters, digits and "_", and no digit first'),
  z.string(),
);
