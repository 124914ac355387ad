import { readdir } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import type { VolumeFiles } from './files.ts';
import { inFolder } from './folders.ts';
import { compareKeys, parseKey, uploadsFolder } from './keys.ts';

export interface ListQuery {
  prefix: string;
  /** '' for a recursive listing. */
  delimiter: string;
  /** Only keys after this one, in UTF-8 order. */
  after: string;
  maxKeys: number;
}

export interface Listed {
  key: string;
  size: number;
  modified: Date;
  etag: string;
}

export interface Page {
  contents: Listed[];
  prefixes: string[];
  /** Last key or prefix of the page when there are more, else undefined. */
  next: string | undefined;
}

/** One page of a volume's keys in UTF-8 order, with folders rolled up at the delimiter. */
export async function listPage(files: VolumeFiles, query: ListQuery): Promise<Page> {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let next: string | undefined;
  let last = '';
  for await (const { name, rolled } of query.maxKeys === 0 ? [] : items(files.root, query)) {
    if (keys.length + prefixes.length === query.maxKeys) {
      next = last;
      break;
    }
    (rolled ? prefixes : keys).push(name);
    last = name;
  }
  return { contents: await describe(files, keys), prefixes, next };
}

/** How many keys a recursive listing has up to and with `last`, counted no further than `enough`. */
export async function keysUpTo(root: string, prefix: string, last: string, enough: number): Promise<number> {
  let count = 0;
  for await (const { name } of items(root, { prefix, delimiter: '', after: '' })) {
    if (compareKeys(name, last) > 0 || count >= enough) break;
    count += 1;
  }
  return count;
}

/** Files that are looked at together. */
const atOnce = 32;

interface Item {
  name: string;
  /** Whether it is a common prefix and not a key. */
  rolled: boolean;
}

/** Keys and common prefixes of a query, in order. */
async function* items(root: string, query: Omit<ListQuery, 'maxKeys'>): AsyncGenerator<Item> {
  const { prefix, delimiter, after } = query;
  let rolled = '';
  for await (const key of walk(root, [], query)) {
    if (!key.startsWith(prefix)) continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (at < 0) {
      if (compareKeys(key, after) > 0) yield { name: key, rolled: false };
      continue;
    }
    const common = key.slice(0, at + delimiter.length);
    if (common === rolled || compareKeys(common, after) <= 0) continue;
    rolled = common;
    yield { name: common, rolled: true };
  }
}

/** Names of files and of empty folders below a folder; a folder that is rolled up anyway is named unread. */
async function* walk(
  root: string,
  segments: string[],
  query: Omit<ListQuery, 'maxKeys'>,
): AsyncGenerator<string, void, undefined> {
  const { prefix, delimiter, after } = query;
  const base = segments.map((segment) => `${segment}/`).join('');
  const entries = await entriesOf(root, segments);
  if (entries.length === 0 && base !== '') {
    yield base;
    return;
  }
  for (const { name, isFolder } of ordered(entries, base)) {
    if (!isFolder) {
      yield name;
      continue;
    }
    if (!name.startsWith(prefix) && !prefix.startsWith(name)) continue;
    if (delimiter === '/' && name.length > prefix.length && name.startsWith(prefix)) {
      yield name;
      continue;
    }
    if (compareKeys(name, after) < 0 && !after.startsWith(name)) continue;
    yield* walk(root, name.slice(0, -1).split('/'), query);
  }
}

function ordered(entries: Dirent[], base: string): { name: string; isFolder: boolean }[] {
  const named = entries
    // What is not UTF-8 cannot be named in a listing.
    .filter((entry) => (entry.isFile() || entry.isDirectory()) && !entry.name.includes('\ufffd'))
    .filter((entry) => base !== '' || entry.name !== uploadsFolder)
    .map((entry) => {
      const name = `${base}${entry.name}${entry.isDirectory() ? '/' : ''}`;
      return { name, isFolder: entry.isDirectory(), bytes: Buffer.from(name) };
    });
  return named.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
}

async function entriesOf(root: string, segments: string[]): Promise<Dirent[]> {
  try {
    return await inFolder(root, segments, false, (path) => readdir(path, { withFileTypes: true }));
  } catch {
    // It went, or became something else, since its parent was read.
    return [];
  }
}

/** What a listing says of keys, in their order; those that are gone meanwhile are left out. */
async function describe(files: VolumeFiles, names: readonly string[]): Promise<Listed[]> {
  const listed: Listed[] = [];
  for (let at = 0; at < names.length; at += atOnce) {
    const some = names.slice(at, at + atOnce).map(async (key): Promise<Listed[]> => {
      try {
        const { size, modified, etag } = await files.describe(parseKey(key));
        return [{ key, size, modified, etag }];
      } catch {
        return [];
      }
    });
    listed.push(...(await Promise.all(some)).flat());
  }
  return listed;
}

/** Entries of the folder that a prefix leads into; 0 when it is none. */
export async function folderSize(root: string, prefix: string): Promise<number> {
  const segments = prefix.split('/').slice(0, -1);
  if (segments.some((one) => one === '' || one === '.' || one === '..')) return 0;
  return (await entriesOf(root, segments)).length;
}
