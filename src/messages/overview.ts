import * as z from 'zod';

/** Largest sizes of what crosses between the overview and the extension; the sender cuts, the receiver refuses. */
export const caps = { name: 200, sentence: 2_000, rows: 500, lines: 40 } as const;

export const tabs = ['regions', 'costs', 'radar'] as const;
export type OverviewTab = (typeof tabs)[number];

const name = z.string().max(caps.name);
const sentence = z.string().max(caps.sentence);
const lines = z.array(sentence).max(caps.lines);

const regionSchema = z.object({
  id: name,
  name: sentence,
  /** `home`: the project's volume is there. `best`: to be chosen for a new volume. */
  mark: z.enum(['home', 'best', 'none']),
  volume: sentence,
  s3: sentence,
  free: sentence,
  price: sentence,
  boot: sentence,
  reason: sentence,
  /** A volume can be created there today. */
  open: z.boolean(),
});
export type RegionLine = z.infer<typeof regionSchema>;

const regionsSchema = z.object({
  /** What the table is for. */
  about: sentence,
  rows: z.array(regionSchema).max(caps.rows),
  /** Why that size, and that the region is for good. */
  size: sentence,
  /** Whether the project's volume is there already. */
  hasVolume: z.boolean(),
  /** Ways on when nothing wanted is free; `wait` offers to be told. */
  blocked: z.object({ title: sentence, ways: lines, wait: sentence }).optional(),
});
export type RegionsPage = z.infer<typeof regionsSchema>;

const moneySchema = z.object({ title: sentence, columns: lines, rows: z.array(lines).max(caps.rows), empty: sentence });
export type MoneyTable = z.infer<typeof moneySchema>;

const costsSchema = z.object({
  figures: z.array(z.object({ name: sentence, value: sentence, note: sentence })).max(caps.lines),
  warning: sentence.optional(),
  tables: z.array(moneySchema).max(caps.lines),
  /** How the numbers came about. */
  notes: lines,
});
export type CostsPage = z.infer<typeof costsSchema>;

const podSchema = z.object({
  id: name,
  name: sentence,
  facts: sentence,
  price: sentence,
  owner: sentence,
  /** Why it looks unused. */
  idle: sentence.optional(),
  /** It costs money, and no job needs it or nobody here can say. */
  unowned: z.boolean(),
  action: z.enum(['terminate', 'stop', 'cancel', 'none']),
});
export type RadarPodLine = z.infer<typeof podSchema>;

const endpointSchema = z.object({
  id: name,
  name: sentence,
  facts: sentence,
  price: sentence,
  owner: sentence,
  /** What it costs while no request runs. */
  cost: sentence,
  /** Why nobody needs it. */
  idle: sentence.optional(),
  /** It costs money, and no job needs it or nobody here can say. */
  unowned: z.boolean(),
  action: z.enum(['scale', 'delete', 'none']),
});
export type RadarEndpointLine = z.infer<typeof endpointSchema>;

const volumeSchema = z.object({ name: sentence, facts: sentence, price: sentence, used: sentence });

const radarSchema = z.object({
  total: sentence,
  /** What nobody here needs, with its price; absent when there is nothing. */
  unowned: sentence.optional(),
  pods: z.array(podSchema).max(caps.rows),
  endpoints: z.array(endpointSchema).max(caps.rows),
  volumes: z.array(volumeSchema).max(caps.rows),
  /** What could not be looked at. */
  notes: lines,
});
export type RadarPage = z.infer<typeof radarSchema>;

const part = <T extends z.ZodType>(value: T) =>
  z.object({ busy: z.boolean(), failure: sentence.optional(), seen: sentence.optional(), value: value.optional() });

const stateSchema = z.object({
  type: z.literal('state'),
  tab: z.enum(tabs),
  sandbox: z.boolean(),
  regions: part(regionsSchema),
  costs: part(costsSchema),
  radar: part(radarSchema),
  /** What is waited for in the background, in words. */
  waiting: sentence.optional(),
});
export type OverviewState = z.infer<typeof stateSchema>;

/** What the extension tells the overview. */
export const toOverviewSchema = z.discriminatedUnion('type', [stateSchema]);
export type ToOverview = z.infer<typeof toOverviewSchema>;

/** What the overview tells the extension. */
export const fromOverviewSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('tab'), tab: z.enum(tabs) }),
  z.object({ type: z.literal('again'), tab: z.enum(tabs) }),
  z.object({ type: z.literal('createVolume'), dataCenter: name }),
  /** Be told when what is wanted is free, or not any more. */
  z.object({ type: z.literal('wait'), on: z.boolean() }),
  z.object({ type: z.literal('endPod'), id: name }),
  z.object({ type: z.literal('endEndpoint'), id: name }),
  z.object({ type: z.literal('refused'), why: sentence }),
]);
export type FromOverview = z.infer<typeof fromOverviewSchema>;
