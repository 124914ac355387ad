import * as z from 'zod';
import { parseJson } from '../json.ts';
import type { ApiErrorKind } from './api-error.ts';

/** Reading of error answers: pure functions of status, headers and body. */

const problemSchema = z
  .object({
    title: z.string().optional().catch(undefined),
    detail: z.string().optional().catch(undefined),
    errors: z.array(z.string()).optional().catch(undefined),
  })
  .refine((p) => p.title !== undefined || p.detail !== undefined);

const capacityTexts = [
  /no longer any instances available/i,
  /does not have the resources to deploy/i,
  /try a different machine/i,
  /not enough free gpus/i,
  /no (instances|machines|gpus|cpus) (are )?(currently )?available/i,
  /no capacity/i,
];

export interface ProblemFacts {
  kind: ApiErrorKind;
  title: string | undefined;
  detail: string | undefined;
  errors: string[];
}

/**
 * Says what an answer with a status of 300 or more means.
 * A body that is not a problem document did not come from API v2, so a bare 404 is no proof that something is gone.
 */
export function readProblem(status: number, contentType: string | undefined, text: string): ProblemFacts {
  const body = parseJson(text);
  const problem = problemSchema.safeParse(body);
  if (problem.success) {
    const { title, detail, errors = [] } = problem.data;
    const noCapacity = (status === 400 || status === 409) && capacityTexts.some((t) => t.test(detail ?? ''));
    return { kind: noCapacity ? 'no-capacity' : kindOfProblem(status), title, detail, errors };
  }
  const v1 = z.object({ error: z.unknown().optional(), message: z.unknown().optional() }).safeParse(body).data;
  const message = [v1?.error, v1?.message].find((m) => typeof m === 'string');
  const speaksV1 = v1?.error !== undefined || v1?.message !== undefined;
  const detail =
    message ?? (status < 400 ? 'It redirects elsewhere.' : `It answered with ${contentType ?? 'an untyped body'}.`);
  return { kind: kindOfOther(status, speaksV1), title: undefined, detail, errors: [] };
}

function kindOfProblem(status: number): ApiErrorKind {
  switch (status) {
    case 401:
      return 'auth';
    case 402:
      return 'funds';
    case 403:
      return 'permission';
    case 404:
      return 'not-found';
    case 408:
      return 'timeout';
    case 409:
      return 'conflict';
    case 410:
      return 'v1';
    case 413:
      return 'too-large';
    case 429:
      return 'rate-limit';
    default:
      return status >= 500 ? 'server' : status >= 400 ? 'invalid' : 'schema';
  }
}

function kindOfOther(status: number, speaksV1: boolean): ApiErrorKind {
  if (status === 403) {
    return 'edge-blocked';
  }
  // These mean the same whoever says them.
  if ([401, 402, 408, 410, 413, 429].includes(status) || status >= 500) {
    return kindOfProblem(status);
  }
  return speaksV1 ? 'v1' : 'schema';
}

/** Names every field in which an answer differs from its schema; holds no values of the answer. */
export function describeViolations(error: z.ZodError): string[] {
  const shown = error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.map((p) => (typeof p === 'number' ? `[${p}]` : `.${String(p)}`)).join('');
    return `Field ${path.replace(/^\./, '') || '(the whole answer)'}: ${issue.message}`;
  });
  const more = error.issues.length - shown.length;
  return more > 0 ? [...shown, `${more} more fields differ`] : shown;
}
