import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, throwIfCancelled, UserError } from '../errors.ts';
import { isApiError } from '../runpod/api-error.ts';
import { SshError, type SshConnection } from '../ssh/index.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { firstLink, linkPatienceMinutes, nextLink, type Link } from './link-state.ts';

export interface LinkWork<T> {
  /** A new connection to the pod, or undefined when the pod is gone. */
  connect: () => Promise<SshConnection | undefined>;
  /** One that is open already. */
  connection?: SshConnection | undefined;
  /** Does the work; begun anew over the next link when it fails because of this one. */
  work: (connection: SshConnection) => Promise<T>;
  /** Asked before each new try: for how many milliseconds without a good link it is worth going on; for ever unless told. */
  patience?: () => number;
  /** Completes "reconnecting in 4 s" for people. */
  meanwhile: () => string;
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

export type LinkEnd<T> =
  { end: 'done'; value: T; connection: SshConnection } | { end: 'gone' } | { end: 'gave-up'; failure: unknown };

/**
 * Does work on a pod over as many links as it takes (see link-state.ts). Rejects with CancelledError when the signal
 * aborts, and with the failure when it is not one of the way to the pod, or the pod refuses us again and again.
 * No connection is left open but that of `done`.
 */
export async function overLink<T>(options: LinkWork<T>): Promise<LinkEnd<T>> {
  const { connect, work, meanwhile, onEvent, signal } = options;
  let { connection } = options;
  let failure: unknown;
  let link = firstLink(connection !== undefined, performance.now());
  let stubborn = 0;
  const attempt = async (doing: () => Promise<Link>): Promise<Link> => {
    try {
      return await doing();
    } catch (error) {
      connection?.close();
      connection = undefined;
      failure = error;
      throwIfCancelled(signal);
      const type = isRefusal(error) ? 'refused' : 'failed';
      stubborn = isOfTheWay(error) ? 0 : stubborn + 1;
      if (!isPassing(error) || stubborn > stubbornAllowed) {
        throw error;
      }
      return nextLink(link, { type, now: performance.now(), random: Math.random() });
    }
  };
  for (;;) {
    if (signal?.aborted) {
      connection?.close();
      throw new CancelledError();
    }
    switch (link.at) {
      case 'lost':
        link = await attempt(async () => {
          connection = await connect();
          return nextLink(link, connection ? { type: 'connected', now: performance.now() } : { type: 'pod-gone' });
        });
        break;
      case 'waiting': {
        if (link.down >= (options.patience?.() ?? Infinity)) {
          return { end: 'gave-up', failure };
        }
        const ms = Math.max(0, link.until - performance.now());
        const text = `The link to the pod is down; reconnecting in ${Math.ceil(ms / 1000)} s, ${meanwhile()}`;
        onEvent({ type: 'link', state: 'lost', text });
        await wait(ms, undefined, { signal }).catch(() => undefined);
        link = nextLink(link, { type: 'waited' });
        break;
      }
      case 'live': {
        const open = connection;
        if (open === undefined) {
          throw new Error('A live link has a connection.');
        }
        const done: { value?: T } = {};
        onEvent({ type: 'link', state: 'live', text: 'Connected to the pod' });
        link = await attempt(async () => {
          done.value = await work(open);
          return link;
        });
        if ('value' in done) {
          return { end: 'done', value: done.value as T, connection: open };
        }
        break;
      }
      case 'gone':
        if (link.why === 'refused') {
          throw failure;
        }
        return { end: 'gone' };
    }
  }
}

/** Work that is of use only when it is done waits so many milliseconds for a link. */
export const linkPatienceMs = linkPatienceMinutes * 60_000;

/** So often in a row something may fail that a new link cures only now and then: half a minute of pauses. */
const stubbornAllowed = 5;

/**
 * Does work that is of use only when it is done: as `overLink`, but rejects with the failure of the last link when there
 * is no good one for `linkPatienceMinutes` (unless told otherwise), and with `gone()` when the pod is gone. The connection that it answers is open.
 */
export async function doneOverLink<T>(
  work: LinkWork<T>,
  gone: () => UserError,
): Promise<{ value: T; connection: SshConnection }> {
  const end = await overLink({ patience: () => linkPatienceMs, ...work });
  if (end.end === 'done') {
    return end;
  }
  throw end.end === 'gave-up' ? end.failure : gone();
}

/** What a new link may cure; it says nothing about the job. */
function isPassing(error: unknown): boolean {
  return (
    (error instanceof SshError && error.code !== 'ssh-shell') ||
    isApiError(error, 'network', 'timeout', 'server', 'rate-limit', 'schema') ||
    (error instanceof UserError && error.code === 'pod-no-ssh')
  );
}

/** Failures of the way to the pod. What a pod or whoever answers in its place says may be its last word. */
function isOfTheWay(error: unknown): boolean {
  return (
    (error instanceof SshError && ['ssh-lost', 'ssh-refused', 'ssh-timeout', 'ssh-unreachable'].includes(error.code)) ||
    isApiError(error, 'network', 'timeout', 'server', 'rate-limit') ||
    (error instanceof UserError && error.code === 'pod-no-ssh')
  );
}

/** Another machine may answer at a stale address for a moment; if it stays so, going on would be wrong. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof SshError && ['ssh-auth', 'ssh-host-key-changed', 'ssh-host-key-unexpected'].includes(error.code)
  );
}
