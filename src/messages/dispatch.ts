import type * as z from 'zod';

/** One handler for every message of a union, so that a message without one does not compile. */
export type Handlers<M extends { type: string }> = {
  [T in M['type']]: (message: Extract<M, { type: T }>) => void;
};

/**
 * The border between a panel and the extension: what fits the schema goes to its handler, everything else is dropped.
 * Answers undefined, or the field and why the message was dropped; never its content.
 */
export function dispatch<M extends { type: string }>(
  schema: z.ZodType<M>,
  handlers: Handlers<M>,
  raw: unknown,
): string | undefined {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return `${issue?.path.join('.') || 'message'}: ${issue?.code ?? 'not understood'}`;
  }
  const message = parsed.data;
  // The key is the message's own type, which the compiler cannot follow through the union.
  (handlers[message.type as M['type']] as (m: M) => void)(message);
  return undefined;
}
