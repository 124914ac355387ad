import { CancelledError, throwIfCancelled } from '../errors.ts';
import { isApiError, type ApiError } from './api-error.ts';

/** Parts of a creation that must not happen twice. None of them is cut short by the user's signal. */
export interface Creation<T extends { id: string }> {
  /** One POST; its error is `ambiguous` when it is unknown whether it took effect. */
  create: () => Promise<T>;
  /** Everything that exists and could be the thing created here. */
  findCandidates: () => Promise<T[]>;
  /** Ends a thing that nobody wants any more. */
  discard: (item: T) => Promise<void>;
  sleep: (ms: number) => Promise<void>;
  signal: AbortSignal | undefined;
}

/** Ms before each look for a thing whose creation was not confirmed: it may show up late. */
const lookDelaysMs = [1_000, 3_000, 6_000];

/**
 * Creates something that costs money and whose POST has no idempotency key.
 * After a lost or broken answer it looks for the thing before it tries a second and last time; should both then
 * exist, the copy is discarded. When the user cancels meanwhile, what was created is discarded.
 * @throws ApiError of the POST, `ambiguous` when it is still unknown whether the thing exists; CancelledError.
 */
export async function createOnce<T extends { id: string }>(creation: Creation<T>): Promise<T> {
  throwIfCancelled(creation.signal);
  const made = await createAndConfirm(creation);
  if (creation.signal?.aborted) {
    await creation.discard(made);
    throw new CancelledError();
  }
  return made;
}

async function createAndConfirm<T extends { id: string }>(creation: Creation<T>): Promise<T> {
  const first = await attempt(creation);
  if ('made' in first) {
    return first.made;
  }
  const found = await look(creation, first.doubt);
  if (found) {
    return found;
  }
  throwIfCancelled(creation.signal);
  let made: T | undefined;
  let failure: unknown;
  try {
    const second = await attempt(creation);
    made = 'made' in second ? second.made : await look(creation, second.doubt);
    failure = 'doubt' in second ? second.doubt : undefined;
  } catch (error) {
    failure = error;
  }
  // One more look, because the first attempt may have taken effect late.
  const candidates = await creation.findCandidates().catch(() => []);
  const kept = made ?? candidates[0];
  if (!kept) {
    throw failure;
  }
  for (const copy of candidates.filter((c) => c.id !== kept.id)) {
    await creation.discard(copy);
  }
  return kept;
}

/** @returns what was created, or the error that leaves its existence open; every other error is thrown. */
async function attempt<T extends { id: string }>(creation: Creation<T>): Promise<{ made: T } | { doubt: ApiError }> {
  try {
    return { made: await creation.create() };
  } catch (error) {
    if (isApiError(error) && error.ambiguous) {
      return { doubt: error };
    }
    // Nothing was created, so a cancelled creation ends as one.
    throwIfCancelled(creation.signal);
    throw error;
  }
}

async function look<T extends { id: string }>(creation: Creation<T>, doubt: ApiError): Promise<T | undefined> {
  for (const delay of lookDelaysMs) {
    await creation.sleep(delay);
    let candidates: T[];
    try {
      candidates = await creation.findCandidates();
    } catch (error) {
      // Without a look there is no second attempt: the doubt is what the user must know about.
      throw isApiError(error) ? doubt : error;
    }
    if (candidates[0]) {
      return candidates[0];
    }
  }
  return undefined;
}
