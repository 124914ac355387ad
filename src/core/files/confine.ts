import { lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../errors.ts';

const reserved = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/**
 * Says why a name from the far end must not be used as a path below a folder of this machine, or undefined when it may.
 * `platform` decides about names that only Windows reads in its own way.
 */
export function unsafeName(name: string, platform: NodeJS.Platform = process.platform): string | undefined {
  const parts = name.split('/');
  if (name === '' || name.includes('\0')) {
    return 'it is empty or contains NUL';
  }
  // A byte that is no text comes as half of a character, and all of those become the same name here.
  if (/[\ud800-\udfff]/u.test(name)) {
    return 'it is not UTF-8, so that two such names could become one here; rename the file in the step';
  }
  if (name.startsWith('/')) {
    return 'it is an absolute path';
  }
  if (parts.some((part) => part === '..' || part === '.' || part === '')) {
    return 'it contains "..", "." or an empty part';
  }
  if (parts.some((part) => Buffer.byteLength(part) > 255)) {
    return 'a part is longer than 255 bytes';
  }
  if (platform !== 'win32') {
    return undefined;
  }
  if (/[\\:*?"<>|\u0001-\u001f]/.test(name)) {
    return 'it contains a character that Windows does not allow in names';
  }
  if (parts.some((part) => /[. ]$/.test(part))) {
    return 'a part ends with a dot or a space, which Windows drops';
  }
  return parts.some((part) => reserved.test(part)) ? 'Windows reserves this name for a device' : undefined;
}

/** As `placeBelowNow`. */
export function placeBelow(into: string, name: string): Promise<string> {
  return Promise.resolve().then(() => placeBelowNow(into, name));
}

/**
 * The place of a safe name below `into`, an existing folder, with the folders on the way made. Throws `unsafe-name`
 * when a link stands in the way, for it could lead anywhere, or when a folder has the file's name. Synchronous, because
 * the many promises of a small file cost ten times as much as the file. `known` remembers folders that were looked at.
 */
export function placeBelowNow(into: string, name: string, known = new Set<string>()): string {
  const parts = name.split('/');
  let folder = into;
  for (const part of parts.slice(0, -1)) {
    folder = path.join(folder, part);
    if (!known.has(folder)) {
      makeFolder(folder, name);
      known.add(folder);
    }
  }
  const place = path.join(folder, parts.at(-1) ?? '');
  if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw inTheWay(name, `${place} is a folder`);
  }
  return place;
}

function makeFolder(folder: string, name: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    if (!lstatSync(folder).isDirectory()) {
      throw inTheWay(name, `${folder} is a link or a file`);
    }
  }
}

function inTheWay(name: string, why: string): UserError {
  return new UserError('unsafe-name', {
    what: `${JSON.stringify(name)} was not written.`,
    why: `${why}, and what comes from a pod never goes through links.`,
    next: 'Move it away and fetch again.',
  });
}
