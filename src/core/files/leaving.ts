import { UserError } from '../errors.ts';
import { findSecrets, type Searchable, type SecretFinding, type SecretSearchOptions } from './secrets.ts';

declare const searched: unique symbol;

/** A file that may leave this machine. Everything that sends files takes only these, and `mayLeave` alone makes them. */
export type Leaving<File> = File & { readonly [searched]: true };

/** Of an archive what is in it is searched. */
type Sendable = Searchable & { readonly members?: readonly Searchable[] | undefined };

/**
 * The one door: what leaves this machine, whichever way, has been looked through here. Rejects with `secrets-found`,
 * naming the places and nothing of the values, or CancelledError.
 */
export async function mayLeave<File extends Sendable>(
  files: readonly File[],
  options: SecretSearchOptions = {},
): Promise<Leaving<File>[]> {
  const { findings } = await findSecrets(partsOf(files), options);
  if (findings.length > 0) {
    throw secretsFound(findings);
  }
  return files as Leaving<File>[];
}

/** What has to be looked through to send these files. */
export function partsOf(files: readonly Sendable[]): Searchable[] {
  return files.flatMap((file) => file.members ?? [file]);
}

/** Why nothing was sent. */
export function secretsFound(findings: readonly SecretFinding[]): UserError {
  const files = new Set(findings.map(({ path }) => path)).size;
  return new UserError('secrets-found', {
    what: `Nothing was sent: ${files === 1 ? 'a file holds' : `${files} files hold`} what looks like a secret: ${placesOf(findings)}.`,
    why: 'On the volume everybody with access to the account can read it.',
    next: 'Take it out of the file and name it in the "secrets" of the steps that need it, or put the file under "sync.never" or in .runpodignore; "sync.allowSecrets" lists files that may go.',
  });
}

/** The first places, with what was found there. */
export function placesOf(findings: readonly SecretFinding[], most = 5): string {
  const named = findings
    .slice(0, most)
    .map(({ path, line, kind }) => `${line === null ? path : `${path}:${line}`} (${kind})`);
  const more = findings.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
