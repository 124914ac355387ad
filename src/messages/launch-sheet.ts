import * as z from 'zod';

/** Largest sizes of what crosses between the launch sheet and the extension; the sender cuts, the receiver refuses. */
export const caps = {
  name: 200,
  sentence: 2_000,
  findings: 300,
  checks: 100,
  rows: 50,
  lines: 60,
  steps: 1_000,
} as const;

const name = z.string().max(caps.name);
const sentence = z.string().max(caps.sentence);

/** A part of the sheet that is found out by itself: what is known of it, whether it is being looked at, why it is not known. */
const part = <T extends z.ZodType>(value: T) =>
  z.object({ busy: z.boolean(), failure: sentence.optional(), value: value.optional() });

const findingSchema = z.object({
  severity: z.enum(['error', 'warning', 'info']),
  what: sentence,
  why: sentence,
  next: sentence,
  /** `training.runpod.json, line 7`; absent when it stands nowhere. */
  place: sentence.optional(),
  /** What its button does. */
  fix: sentence.optional(),
});
export type SheetFinding = z.infer<typeof findingSchema>;

const checkSchema = z.object({
  title: sentence,
  status: z.enum(['ok', 'error', 'warning', 'info', 'unknown']),
  /** What could not be found out. */
  unknown: z.array(sentence).max(caps.lines),
});
export type SheetCheck = z.infer<typeof checkSchema>;

const podSchema = z.object({
  label: sentence,
  price: sentence,
  stock: sentence,
  free: z.boolean(),
  /** It is asked for before the others. */
  first: z.boolean(),
});
export type SheetPod = z.infer<typeof podSchema>;

const factSchema = z.object({ name: sentence, text: sentence });
export type SheetFact = z.infer<typeof factSchema>;

const stateSchema = z.object({
  type: z.literal('state'),
  /** Number of the look; what a button is about is a place in the lists of its look. */
  look: z.int().min(0),
  project: name,
  file: sentence,
  sandbox: z.boolean(),
  profiles: z.array(z.object({ name, description: sentence })).max(caps.rows),
  /** The empty name: as the file is. */
  profile: name,
  /** What runs where, in sentences. */
  steps: z.array(factSchema).max(caps.lines),
  /** Whether it is still found out which of them run. */
  stepsBusy: z.boolean(),
  /** The commands that the start lets run on this machine, in full; absent when not all of them fit. */
  local: z.array(factSchema).max(caps.rows).optional(),
  checks: part(
    z.object({
      findings: z.array(findingSchema).max(caps.findings),
      checks: z.array(checkSchema).max(caps.checks),
      /** `2 errors, 1 warning · 27 checks in 1 s`. */
      sum: sentence,
    }),
  ),
  pods: part(z.object({ volume: sentence, rows: z.array(podSchema).max(caps.rows), note: sentence.optional() })),
  sync: part(z.object({ facts: z.array(factSchema).max(caps.lines), notes: z.array(sentence).max(caps.lines) })),
  estimate: part(z.object({ text: sentence, time: sentence, assumptions: z.array(sentence).max(caps.lines) })),
  limits: part(
    z.object({
      text: sentence,
      owners: z.array(z.object({ armed: z.boolean(), text: sentence })).max(caps.rows),
    }),
  ),
  ending: z.object({ text: sentence, costs: z.boolean() }),
  /** A short try before the run; its price in a sentence, and what it leaves out. */
  smoke: part(z.object({ text: sentence, notes: z.array(sentence).max(caps.lines) })),
  start: z.object({
    label: sentence,
    /** Why the button does nothing; absent when it can be pressed. */
    blocked: sentence.optional(),
    /** What is being started. */
    busy: z.enum(['run', 'smoke']).optional(),
    /** Why the last start did not work. */
    failure: sentence.optional(),
    /** What was started from the sheet and goes on. */
    note: sentence.optional(),
  }),
});
export type SheetState = z.infer<typeof stateSchema>;

/** What the extension tells the sheet. */
export const toSheetSchema = z.discriminatedUnion('type', [stateSchema]);
export type ToSheet = z.infer<typeof toSheetSchema>;

const at = z.object({ look: z.int().min(0), finding: z.int().min(0).max(caps.findings) });

/** What the sheet tells the extension. */
export const fromSheetSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** The place of a finding in the project file. */
  z.object({ type: z.literal('show'), ...at.shape }),
  z.object({ type: z.literal('fix'), ...at.shape }),
  z.object({ type: z.literal('again') }),
  z.object({ type: z.literal('profile'), profile: name }),
  z.object({ type: z.literal('start') }),
  z.object({ type: z.literal('smoke') }),
  z.object({ type: z.literal('cancel') }),
  z.object({ type: z.literal('refused'), why: sentence }),
]);
export type FromSheet = z.infer<typeof fromSheetSchema>;
