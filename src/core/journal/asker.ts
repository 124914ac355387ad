import * as z from 'zod';

/** Who asked for what costs money: a person in the editor or at a terminal, or an agent that was allowed to. */
export const askerSchema = z.object({
  by: z.enum(['editor', 'terminal', 'agent']),
  /** Id of the machine, and its name for people. */
  machine: z.string(),
  host: z.string(),
});
export type Asker = z.infer<typeof askerSchema>;
