import type { ZodType } from 'zod';
import { homeFolder } from '../../core/home/folder.ts';
import type { RunPodClient } from '../../core/runpod/client.ts';
import type { Loaded } from '../common/polled-list.ts';
import type { Account } from './account.ts';

export interface SharedListOptions<T> {
  account: Account;
  question: 'pods' | 'volumes';
  /** Loaded with the first question. */
  schema: () => Promise<ZodType<T[]>>;
  ask: (client: RunPodClient, signal: AbortSignal | undefined) => Promise<T[]>;
}

/**
 * A list of the account for a view: asked for once on this machine, however many windows show it. The limit of requests is
 * one for all of them.
 *
 * @returns what is listed, and whether this window has asked for it just now
 */
export async function sharedList<T>(
  { account, question, schema, ask }: SharedListOptions<T>,
  maxAgeMs: number,
  signal: AbortSignal,
): Promise<Exclude<Loaded<T>, T[]> & { asked: boolean }> {
  const client = await account.client();
  const name = await account.name();
  if (name === undefined) {
    return { items: await ask(client, signal), seen: new Date(), asked: true };
  }
  const [{ SharedLook }, items] = await Promise.all([import('../../core/home/shared-look.ts'), schema()]);
  const look = new SharedLook(
    { home: homeFolder(), account: name, question },
    (answer) => items.safeParse(answer).data,
  );
  const { value, seen, asked } = await look.get(maxAgeMs, (s) => ask(client, s), signal);
  return { items: value, seen, asked };
}
