import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { isSystemError, UserError } from '../errors.ts';

/** Why nothing can be written below `into` when writing failed for the whole disk, else undefined. */
export function cannotWrite(into: string, cause: unknown): UserError | undefined {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const next = 'Make room and fetch again; what arrived is not fetched twice.';
    const why = `Writing below ${into} failed.`;
    return new UserError('disk-full', { what: 'The disk of this machine is full.', why, next }, { cause });
  }
  return code === 'EROFS' ? readOnly(into, cause) : undefined;
}

/** Whether it is this machine's disk, or a place on it, that refused: no other way to the same place helps. */
export function isOfThisDisk(error: unknown): boolean {
  return error instanceof UserError
    ? ['disk-full', 'place-closed', 'place-taken'].includes(error.code)
    : isSystemError(error) &&
        diskWords.has(error.code ?? '') &&
        !/^(?:connect|listen|bind|spawn)/.test(error.syscall ?? '');
}

const diskWords = new Set(['EACCES', 'EDQUOT', 'EFBIG', 'EIO', 'EISDIR', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS']);

/**
 * Makes a folder with those above it. Throws `place-taken` when a file or a link to nothing stands in the way,
 * `place-closed` when nothing may be written there, and `disk-full`.
 */
export function makeFolder(folder: string): void {
  const above = path.dirname(folder);
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined && above !== folder) {
    makeFolder(above);
    try {
      mkdirSync(folder);
    } catch (error) {
      throw notMade(folder, error);
    }
    return;
  }
  if (stats?.isDirectory() !== true) {
    throw taken(folder);
  }
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw notMade(folder, error);
  }
}

function notMade(folder: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return taken(folder);
  }
  const closed = code === 'EACCES' || code === 'EPERM' ? readOnly(folder, error) : undefined;
  return cannotWrite(folder, error) ?? closed ?? error;
}

function taken(folder: string): UserError {
  return new UserError('place-taken', {
    what: `The folder ${folder} cannot be made.`,
    why: 'A file, or a link to nothing, has this name.',
    next: 'Move it away and fetch again.',
  });
}

function readOnly(folder: string, cause: unknown): UserError {
  return new UserError(
    'place-closed',
    {
      what: `Nothing can be written to ${folder}.`,
      why: 'The disk is mounted read-only, or the folder belongs to somebody else.',
      next: 'Make it writable and fetch again.',
    },
    { cause },
  );
}
