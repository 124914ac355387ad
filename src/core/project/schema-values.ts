import * as z from 'zod';

// Kinds of values that several parts of the project file have.

export const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,47}$/,
    'lower-case letters, digits, "-" and "_", at most 48, starting with a letter or digit',
  );

export const relativePath = z
  .string()
  .min(1)
  .refine((p) => !p.startsWith('/') && !p.split('/').includes('..') && !/^[A-Za-z]:/.test(p), {
    message: 'must be a path inside the project, with "/" between folders and no ".."',
  });

export const pattern = relativePath.describe(
  'A path or glob (`**`, `*`, `?`) relative to the project folder; a trailing `/` means everything below the folder.',
);

export const patterns = z.array(pattern);

export const env = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string());
