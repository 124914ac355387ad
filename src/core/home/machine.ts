import { randomBytes, randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { naming } from '../errors.ts';
import { parseJson } from '../json.ts';
import { makeOwnFolder, unwritable } from './folder.ts';

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
  makeOwnFolder(home);
  try {
    putFirst(fileIn(home), `${JSON.stringify({ schema: 1, id })}\n`, () => knownMachine(home) === undefined);
  } catch (error) {
    throw unwritable(home, error);
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
  try {
    writeFileSync(fresh, text, { mode: 0o600, flush: true });
    nameFirst(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw naming(file, error);
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
