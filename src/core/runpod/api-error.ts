import { UserError } from '../errors.ts';
import type { Remedy } from '../remedy.ts';

/** What kind of failure an API call ended with; stable, for programs to branch on. */
export type ApiErrorKind =
  /** 401: the key is not accepted. */
  | 'auth'
  /** 403 from the API: the key lacks a permission. */
  | 'permission'
  /** 403 from the network edge in front of the API, which never looked at the key. */
  | 'edge-blocked'
  /** 402: the balance is too low. */
  | 'funds'
  | 'not-found'
  /** 409: not possible in the current state. */
  | 'conflict'
  /** The request is fine, but nothing is free to serve it. */
  | 'no-capacity'
  /** 400, 405, 422 and other refusals of the request itself. */
  | 'invalid'
  /** 413, or found to be too large before sending. */
  | 'too-large'
  | 'rate-limit'
  | 'server'
  /** No connection, or it broke. */
  | 'network'
  | 'timeout'
  /** Something answered, but not as RunPod's API v2 does. */
  | 'schema'
  /** The retired v1 API, or GraphQL, answered. */
  | 'v1';

/** Facts of a failure, from which {@link ApiError} makes its sentences. */
export interface ApiFailure {
  kind: ApiErrorKind;
  /** What was attempted, to complete "Could not …". */
  purpose: string;
  status?: number | undefined;
  title?: string | undefined;
  detail?: string | undefined;
  errors?: readonly string[] | undefined;
  /** Host that was called. */
  host?: string | undefined;
  /** How long the server asks to wait, in ms. */
  retryAfterMs?: number | undefined;
  requestId?: string | undefined;
  /** True when it is unknown whether the request took effect. */
  ambiguous?: boolean | undefined;
}

const consoleKeys = 'Settings > API Keys in the RunPod console';

function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** "90 seconds", "3 minutes", "2 hours": rounded up, so that waiting that long is enough. */
function duration(ms: number): string {
  const [amount, unit] =
    ms <= 120_000
      ? [Math.ceil(ms / 1000), 'second']
      : ms <= 7_200_000
        ? [Math.ceil(ms / 60_000), 'minute']
        : [Math.ceil(ms / 3_600_000), 'hour'];
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}

/** One missing field makes the API's validator call valid fields unexpected: only the missing ones are true then. */
function telling(errors: readonly string[]): readonly string[] {
  const missing = errors.filter((text) => /missing propert/i.test(text));
  return missing.length > 0 ? missing : errors;
}

const remediesByKind: Partial<Record<ApiErrorKind, readonly Remedy[]>> = {
  auth: [{ do: 'sign-in' }],
  permission: [{ do: 'sign-in' }],
  schema: [{ do: 'set-api-address' }],
  v1: [{ do: 'set-api-address' }],
};

/** Why it failed and what to do next, for one kind. */
function explain(f: ApiFailure): { why: string; next: string } {
  const host = f.host ?? 'the API';
  const said = [f.detail ?? f.title ?? '', ...telling(f.errors ?? [])]
    .filter((text) => text.trim() !== '')
    .map(sentence)
    .join(' ');
  const quoted = said === '' ? '' : ` RunPod says: ${said}`;
  const status = f.status === undefined ? '' : ` (HTTP ${f.status})`;
  switch (f.kind) {
    case 'auth':
      return {
        why: `RunPod does not accept the API key${status}.`,
        next: `Check under ${consoleKeys} that the key exists and is enabled, then enter it again.`,
      };
    case 'permission':
      return {
        why: `The API key is valid but has no permission for this${status}.${quoted}`,
        next: `Give the key write access to the REST API under ${consoleKeys}, or use another key.`,
      };
    case 'edge-blocked':
      return {
        why: `The network edge in front of ${host} blocked the request before the API saw it${status}; this says nothing about the key.`,
        next: 'Try again in a minute; if it stays, check a VPN, proxy or firewall between here and RunPod.',
      };
    case 'funds':
      return {
        why: `The account balance is too low${status}.${quoted}`,
        next: 'Add credit under Billing in the RunPod console, then try again; a new pod needs credit for about one hour.',
      };
    case 'not-found':
      return {
        why: `It does not exist, or it belongs to another account${status}.${quoted}`,
        next: 'Refresh and check the id; it may have been deleted in the meantime.',
      };
    case 'conflict':
      return {
        why: `It is not possible in the present state${status}.${quoted}`,
        next: 'Refresh to see the present state, then choose an action that fits it.',
      };
    case 'no-capacity':
      return {
        why: `RunPod has no free machine for this request right now${status}.${quoted}`,
        next: 'Try another GPU type or data center, or the same one again in a few minutes; nothing was charged.',
      };
    case 'invalid':
      return {
        why: `RunPod refused the request${status}.${quoted}`,
        next: 'Correct what the message names and try again.',
      };
    case 'too-large':
      return {
        why: `The request is larger than the 100 KiB that RunPod accepts${status}.`,
        next: 'Shorten environment values and start arguments; put files on the volume instead.',
      };
    case 'rate-limit':
      return {
        why: `Too many requests were sent with this account${status}.${quoted}`,
        next:
          f.retryAfterMs === undefined
            ? 'Wait a minute and try again; other tools that use the same account count too.'
            : `Wait ${duration(f.retryAfterMs)} and try again; other tools that use the same account count too.`,
      };
    case 'server':
      return { why: `RunPod had an internal failure${status}.${quoted}`, next: 'Try again in a few minutes.' };
    case 'network':
      return {
        why: `${host} could not be reached, or the connection broke.${f.detail === undefined ? '' : ` ${sentence(f.detail)}`}`,
        next: 'Check the internet connection, VPN and proxy settings, then try again.',
      };
    case 'timeout':
      return {
        why: `${host} did not answer in time.${f.detail === undefined ? '' : ` ${sentence(f.detail)}`}`,
        next: 'Check the internet connection, then try again.',
      };
    case 'schema':
      return {
        why: `The answer of ${host} is not what RunPod's API v2 promises${status}.${said === '' ? '' : ` ${said}`}`,
        next: 'Check the API address in the settings; if it is right, update RunPod Trainer.',
      };
    case 'v1':
      return {
        why: `${host} answered as RunPod's retired v1 API does${status}.${quoted}`,
        next: 'Set the API address to https://api.runpod.io/v2.',
      };
  }
}

/**
 * A failed call of RunPod's API, told in sentences.
 * Built from plain facts only: it never holds a request, its headers or the key.
 */
export class ApiError extends UserError {
  override readonly name = 'ApiError';
  readonly kind: ApiErrorKind;
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  readonly title: string | undefined;
  readonly detail: string | undefined;
  readonly errors: readonly string[];
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
  /** True when it is unknown whether the request took effect: look before repeating it. */
  readonly ambiguous: boolean;

  constructor(failure: ApiFailure) {
    const { why, next } = explain(failure);
    const ambiguous = failure.ambiguous ?? false;
    super(`runpod-${failure.kind}`, {
      what: `Could not ${failure.purpose}.`,
      why,
      next: ambiguous ? `It may have taken effect all the same: check in the RunPod console first. ${next}` : next,
      remedies: remediesByKind[failure.kind],
    });
    this.kind = failure.kind;
    this.status = failure.status;
    this.title = failure.title;
    this.detail = failure.detail;
    this.errors = failure.errors ?? [];
    this.retryAfterMs = failure.retryAfterMs;
    this.requestId = failure.requestId;
    this.ambiguous = ambiguous;
  }
}

/** True for an {@link ApiError} of one of these kinds. */
export function isApiError(error: unknown, ...kinds: ApiErrorKind[]): error is ApiError {
  return error instanceof ApiError && (kinds.length === 0 || kinds.includes(error.kind));
}
