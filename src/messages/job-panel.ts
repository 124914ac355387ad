import * as z from 'zod';

/** Largest sizes of what crosses between the job panel and the extension; the sender cuts, the receiver refuses. */
export const caps = {
  name: 200,
  sentence: 2_000,
  evidence: 20_000,
  /** Characters of one log line; the worker cuts at 8192 and adds a note of what it left out. */
  line: 8_400,
  steps: 1_000,
  gates: 200,
  why: 50,
  argv: 200,
  notes: 100,
  /** Lines and characters of one log message. */
  logLines: 5_000,
  logChars: 1_000_000,
  series: 60,
  points: 2_400,
  copy: 5_000_000,
} as const;

/** Lines that are kept of a step's log; older ones are in the journal. */
export const keptLines = 20_000;

const name = z.string().max(caps.name);
const sentence = z.string().max(caps.sentence);
const time = z.number().min(0);
const amount = z.number().min(0);

const gateSchema = z.object({
  title: sentence,
  status: z.enum(['passed', 'failed', 'error']),
  expected: sentence,
  seen: sentence,
  message: sentence.nullable(),
});
export type PanelGate = z.infer<typeof gateSchema>;

const stepSchema = z.object({
  name,
  where: z.enum(['local', 'pod']),
  status: z.enum(['waiting', 'running', 'passed', 'failed', 'skipped', 'cancelled', 'timeout', 'unknown']),
  started: time.optional(),
  seconds: amount.optional(),
  why: z.array(sentence).max(caps.why),
  /** The checkpoint from which it went on. */
  resumeFrom: sentence.optional(),
  reason: sentence.optional(),
  cell: z.object({ at: z.int(), of: z.int() }).optional(),
  gates: z.array(gateSchema).max(caps.gates),
  /** Gates beyond the largest number that is sent. */
  moreGates: z.int().min(0),
});
export type PanelStep = z.infer<typeof stepSchema>;

/** Everything about the job but logs, metrics and evidence. Times are milliseconds since 1970. */
export const stateSchema = z.object({
  type: z.literal('state'),
  job: name,
  project: name,
  status: z.enum(['starting', 'running', 'succeeded', 'failed', 'cancelled', 'lost']),
  /** What goes on, in words. */
  activity: sentence,
  /** The same at length, where the words are short of something. */
  activityDetail: sentence.optional(),
  reason: sentence.optional(),
  created: time,
  /** When its steps and its pod began and ended; `seconds` is what the worker counted. */
  time: z.object({
    started: time.optional(),
    seconds: amount.optional(),
    steps: amount.optional(),
    goesOn: z.boolean(),
    pod: z.object({ since: time, until: time.optional() }).optional(),
  }),
  ended: time.optional(),
  sandbox: z.boolean(),
  pod: z
    .object({
      id: name,
      name,
      hardware: name,
      costPerHour: amount,
      since: time,
      until: time.optional(),
      latest: time.optional(),
    })
    .optional(),
  watchdog: z.object({ armed: z.boolean(), detail: sentence, deadline: time.nullable() }).optional(),
  /** Whether a step's last state is what nobody has heard anything against, and may be old. */
  isOld: z.boolean().optional(),
  /** `live`: this window hears the pod. `lost`: it tries to. `apart`: it only reads what is recorded. `over`: nothing to hear. */
  link: z.object({ state: z.enum(['live', 'lost', 'apart', 'over']), heard: time.optional() }),
  transfer: z
    .object({ direction: z.enum(['up', 'down']), files: amount, filesTotal: amount, bytes: amount, bytesTotal: amount })
    .optional(),
  steps: z.array(stepSchema).max(caps.steps),
  notes: z.array(z.object({ level: z.enum(['info', 'warning', 'error']), text: sentence })).max(caps.notes),
  host: z
    .object({ python: sentence, cpus: z.number(), memoryBytes: z.number().nullable(), gpus: z.array(sentence).max(64) })
    .optional(),
  places: z.object({
    projectFile: sentence,
    record: sentence,
    results: sentence.optional(),
    remote: sentence.optional(),
  }),
  fetched: z.object({ time, files: amount, bytes: amount }).optional(),
  /** What of the results should be here and is not. */
  missing: z.object({ text: sentence, lines: z.array(sentence).max(caps.notes), count: amount }).optional(),
  actions: z.array(z.enum(['cancel', 'attach', 'explain', 'fetch', 'openResults', 'resume', 'rerun'])).max(10),
});
export type PanelState = z.infer<typeof stateSchema>;

const detailSchema = z.object({
  type: z.literal('detail'),
  step: name,
  argv: z.array(z.string().max(caps.evidence)).max(caps.argv),
  gates: z.array(z.object({ type: name, title: sentence, evidence: z.string().max(caps.evidence) })).max(caps.gates),
});
export type PanelDetail = z.infer<typeof detailSchema>;

const lineSchema = z.object({ text: z.string().max(caps.line), err: z.boolean() });
export type LogLine = z.infer<typeof lineSchema>;

const logSchema = z.object({
  type: z.literal('log'),
  step: name,
  /** Place of the first line of this message in the step's whole log. */
  from: z.int().min(0),
  /** Place of the oldest line that is kept; those before are in the journal only. */
  first: z.int().min(0),
  lines: z.array(lineSchema).max(caps.logLines),
});
export type PanelLog = z.infer<typeof logSchema>;

const seriesSchema = z.object({
  name,
  /** Pairs of x and y; y is null where the value was not a finite number. */
  points: z.array(z.tuple([z.number(), z.number().nullable()])).max(caps.points),
  count: z.int().min(0),
  last: z.number().nullable(),
  notFinite: z.int().min(0),
});
export type Series = z.infer<typeof seriesSchema>;

const metricsSchema = z.object({
  type: z.literal('metrics'),
  step: name,
  /** Name of what x counts; null: seconds since the step began. */
  x: name.nullable(),
  series: z.array(seriesSchema).max(caps.series),
  /** Names beyond the largest number that is kept. */
  more: z.int().min(0),
});
export type PanelMetrics = z.infer<typeof metricsSchema>;

/** Why the job failed, and what can be done about it; `told` is absent while it is looked for, or when that failed. */
const explanationSchema = z.object({
  type: z.literal('explanation'),
  busy: z.boolean(),
  /** Why it could not be found out. */
  failure: sentence.optional(),
  told: z
    .object({
      what: sentence,
      /** What shows it; a name of `''` is a line as it was seen. */
      seen: z.array(z.object({ name: sentence, text: sentence })).max(caps.notes),
      /** What was survived before. */
      also: z.array(sentence).max(caps.notes),
      why: sentence.optional(),
      next: sentence.optional(),
      /** Where the change belongs, and what it is where no other sentence says it. */
      change: sentence.optional(),
      /** The last lines of the step, where no cause was recognised. */
      last: z.array(sentence).max(caps.notes),
      /** At most one of them is the first choice. */
      acts: z.array(z.object({ title: sentence, first: z.boolean() })).max(10),
      /** What is to be known before going on. */
      note: sentence.optional(),
    })
    .optional(),
});
export type PanelExplanation = z.infer<typeof explanationSchema>;
export type ToldExplanation = NonNullable<PanelExplanation['told']>;

/** Shows a step, or the explanation of the failure. */
const showSchema = z.object({ type: z.literal('show'), step: name.optional(), explanation: z.boolean().optional() });

/** What the extension tells the panel. */
export const toPanelSchema = z.discriminatedUnion('type', [
  stateSchema,
  detailSchema,
  logSchema,
  metricsSchema,
  explanationSchema,
  showSchema,
]);
export type ToPanel = z.infer<typeof toPanelSchema>;

export const actions = [
  'cancel',
  'attach',
  'explain',
  'fetch',
  'openResults',
  'resume',
  'rerun',
  'openLog',
  'openProjectFile',
  'openRecord',
  'copyJobId',
] as const;
export type PanelAction = (typeof actions)[number];

/** What the panel tells the extension. */
export const fromPanelSchema = z.discriminatedUnion('type', [
  /** The page is there and knows nothing yet. */
  z.object({ type: z.literal('ready') }),
  /** Log, metrics and evidence of this step are wanted; the empty name is the job as a whole. */
  z.object({ type: z.literal('select'), step: name }),
  z.object({ type: z.literal('action'), action: z.enum(actions) }),
  /** The explanation of the failure is looked at. */
  z.object({ type: z.literal('explain') }),
  /** Does one of the acts of the explanation. */
  z.object({ type: z.literal('explanation-act'), act: z.int().min(0).max(9) }),
  z.object({ type: z.literal('copy'), text: z.string().max(caps.copy) }),
  /** The page dropped a message of the extension. */
  z.object({ type: z.literal('refused'), why: sentence }),
]);
export type FromPanel = z.infer<typeof fromPanelSchema>;
