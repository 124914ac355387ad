import { randomBytes, randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf, UserError } from '../errors.ts';
import { parseJson } from '../json.ts';

const fileIn = (home: string): string => join(home, 'machine.json');

/**
 * The id of the machine that this home is on, made by whoever asks first. A host name would not do: it changes with the
 * network, and containers share it or get a new one at each start. Where machines share a home they count as one.
 */
export function machineId(home: string): string {
  const known = knownMachine(home);
  if (known !== undefined) {
    return known;
  }
  const id = randomUUID();
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    putFirst(fileIn(home), `${JSON.stringify({ schema: 1, id })}\n`, () => knownMachine(home) === undefined);
  } catch (error) {
    throw new UserError(
      'home-unwritable',
      {
        what: `The folder of this installation, ${home}, cannot be written to.`,
        why: messageOf(error),
        next: 'Make it writable, or let this program use another folder.',
      },
      { cause: error },
    );
  }
  return knownMachine(home) ?? id;
}

/** The same id when it was made already. */
export function knownMachine(home: string): string | undefined {
  const told = parseJson(textOf(fileIn(home)));
  const id = typeof told === 'object' && told !== null && 'id' in told ? told.id : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** Whether what was noted of a client is of this machine; it was the host name once. */
export function isThisMachine(noted: string, machine: string): boolean {
  return noted === machine || noted === hostname();
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Makes a file as a whole when there is none, and replaces one that is `broken`. */
function putFirst(file: string, text: string, broken: () => boolean): void {
  const fresh = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  writeFileSync(fresh, text, { mode: 0o600, flush: true });
  try {
    nameFirst(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    if (broken()) {
      renameSync(fresh, file);
    }
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** Throws EEXIST when another file has the name. */
function nameFirst(fresh: string, file: string): void {
  try {
    linkSync(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw error;
    }
    // Some file systems have no links.
    copyFileSync(fresh, file, constants.COPYFILE_EXCL);
  }
}
