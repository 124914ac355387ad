import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { throwIfCancelled } from '../errors.ts';
import { S3Error } from './errors.ts';
import { pause, type S3Link } from './link.ts';

/** One entry of a folder. */
export interface VolumeItem {
  /** Without the folder. */
  name: string;
  kind: 'file' | 'folder';
  /** In bytes; 0 for a folder. */
  size: number;
  /** Undefined for a folder. */
  modified: Date | undefined;
}

/** How often a page is asked for again when the service sends the listing in a circle. */
const circles = 4;

/**
 * One level of the volume, folders first, by name; empty for a folder that is not there. `folder` has no slash at its
 * ends and is `''` for the whole volume. Never asks for more than one level: beyond a thousand keys, recursive listings
 * of this service repeat their own continuation token for ever. Rejects with `s3-list-repeats` when a level does so too.
 */
export async function listFolder(link: S3Link, folder: string, signal?: AbortSignal): Promise<VolumeItem[]> {
  const prefix = folder === '' ? '' : `${folder}/`;
  const items = new Map<string, VolumeItem>();
  const seen = new Set<string>();
  let token: string | undefined;
  let repeats = 0;
  for (;;) {
    throwIfCancelled(signal);
    const page = await askPage(link, prefix, token, signal);
    take(page, prefix, items);
    if (page.IsTruncated !== true) {
      return sorted(items);
    }
    const next = page.NextContinuationToken;
    if (next !== undefined && !seen.has(next)) {
      seen.add(next);
      token = next;
      continue;
    }
    repeats += 1;
    if (repeats > circles) {
      throw new S3Error('s3-list-repeats', {
        what: `Could not list ${folder === '' ? 'the volume' : folder}.`,
        why: 'The S3 service sends the same page again and again; it does so with some large folders.',
        next: 'Try again later, or look at the folder through a pod.',
      });
    }
    await pause(link.timing.listPauseMs * 2 ** (repeats - 1), signal);
  }
}

function askPage(
  link: S3Link,
  prefix: string,
  token: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ListObjectsV2CommandOutput> {
  return link.call({
    what: `list ${prefix === '' ? 'the volume' : prefix}`,
    signal,
    once: (attempt) =>
      attempt.client.send(
        new attempt.sdk.ListObjectsV2Command({
          Bucket: attempt.bucket,
          Prefix: prefix,
          Delimiter: '/',
          ContinuationToken: token,
          // XML cannot carry every character that a name may have.
          EncodingType: 'url',
        }),
        { abortSignal: attempt.signal },
      ),
  });
}

function take(page: ListObjectsV2CommandOutput, prefix: string, items: Map<string, VolumeItem>): void {
  const nameOf = (key: string | undefined): string => {
    const plain = page.EncodingType === 'url' ? decoded(key ?? '') : (key ?? '');
    return plain.startsWith(prefix) ? plain.slice(prefix.length) : '';
  };
  for (const { Prefix } of page.CommonPrefixes ?? []) {
    const name = nameOf(Prefix).replace(/\/$/, '');
    if (name !== '') {
      items.set(`${name}/`, { name, kind: 'folder', size: 0, modified: undefined });
    }
  }
  for (const { Key, Size, LastModified } of page.Contents ?? []) {
    const name = nameOf(Key);
    if (name.endsWith('/')) {
      items.set(name, { name: name.slice(0, -1), kind: 'folder', size: 0, modified: undefined });
    } else if (name !== '') {
      items.set(name, { name, kind: 'file', size: Size ?? 0, modified: LastModified });
    }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function sorted(items: ReadonlyMap<string, VolumeItem>): VolumeItem[] {
  const order = (item: VolumeItem): string => `${item.kind === 'folder' ? 0 : 1}${item.name}`;
  return [...items.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
