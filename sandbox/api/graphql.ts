import type { Ledger } from '../ledger.ts';
import { graphqlRequest } from '../schemas.ts';
import type { Caller } from './router.ts';

/** Fields of `myself` that the sandbox knows. */
function myself(ledger: Ledger): Record<string, unknown> {
  return {
    id: 'user_sandbox',
    email: 'sandbox@example.invalid',
    clientBalance: ledger.balance(),
    currentSpendPerHr: ledger.spendPerHour(),
    spendLimit: 80,
    notifyLowBalance: false,
  };
}

/** Answers the one query that REST lacks: balance and burn rate. Errors come with status 200, as on the platform. */
export function answerGraphql(body: unknown, caller: Caller, ledger: Ledger): unknown {
  const refused = (message: string): unknown => ({ errors: [{ message }], data: null });
  if (caller.kind !== 'account') return refused('Unauthorized');
  const request = graphqlRequest.safeParse(body);
  if (!request.success) return refused('Must provide query string.');
  const fields = /\bmyself\s*\{([^{}]*)\}/
    .exec(request.data.query)?.[1]
    ?.split(/[\s,]+/)
    .filter(Boolean);
  if (fields === undefined) return refused('Something went wrong. Please try again later or contact support.');
  const known = myself(ledger);
  const unknown = fields.find((field) => !(field in known));
  if (unknown !== undefined) return refused(`Cannot query field "${unknown}" on type "User".`);
  return { data: { myself: Object.fromEntries(fields.map((field) => [field, known[field]])) } };
}
