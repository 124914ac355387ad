import { messageOf, UserError } from '../errors.ts';

/** An archive and a file of the project have the same place. */
export function inTheWay(to: string, file: string): UserError {
  return new UserError('archive-in-the-way', {
    what: `The archive ${to} cannot be made.`,
    why: `The project uploads ${file} to the same place.`,
    next: 'Give the archive another name under "sync.archives", or name the file under "sync.never".',
  });
}

/** A file or folder that the project needs cannot be read. */
export function unreadable(what: string, cause: unknown): UserError {
  return new UserError(
    'scan-unreadable',
    {
      what: `${what} cannot be read.`,
      why: messageOf(cause),
      next: 'Change its permissions, or name it under "sync.never" of the project file.',
    },
    { cause },
  );
}
