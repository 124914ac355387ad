import { UserError } from '../errors.ts';

/** The error for a full disk of this machine when writing below `into` failed for that, else undefined. */
export function diskFull(into: string, cause: unknown): UserError | undefined {
  const { code } = cause as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') {
    return undefined;
  }
  return new UserError(
    'disk-full',
    {
      what: 'The disk of this machine is full.',
      why: `Writing below ${into} failed.`,
      next: 'Make room and fetch again; what arrived is not fetched twice.',
    },
    { cause },
  );
}
