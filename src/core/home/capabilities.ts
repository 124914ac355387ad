import { join } from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';

/** What a check of the platform can establish, by name. */
const values = {
  /** Whether the key that RunPod puts into a pod may end that pod: who holds the cap when this computer is off. */
  podKeyRights: z.enum(['own', 'none']),
  /** Smallest container disk in GB with which a CPU pod was granted. */
  minDiskGb: z.int().min(1).max(100),
  /** Whether official images print their SSH host keys to the boot log. */
  hostKeysInLog: z.boolean(),
  /** Whether a session over SSH lacks the variables of the pod, so that they must be read from PID 1. */
  environmentOnlyInPid1: z.boolean(),
  /** Requests per minute that the account may send. */
  rateLimitPerMinute: z.int().positive(),
  /** Whether the list of volumes comes in pages. */
  volumesInPages: z.boolean(),
  /** Tiers of volumes that can be created, by data center. */
  dataCenters: z.record(z.string(), z.array(z.string())),
  /** Whether the published description of the API has everything that is used here. */
  apiAsExpected: z.boolean(),
  /** Seconds from creating a CPU pod to the first login. */
  bootSeconds: z.number().nonnegative(),
  /** Seconds from the order to terminate until the pod is 404. */
  terminateSeconds: z.number().nonnegative(),
  /** Seconds from the end of a pod until it is in the bill. */
  billLagSeconds: z.number().nonnegative(),
  /** Whether a running pod is in the bill already. */
  billShowsRunning: z.boolean(),
  /** Whether a volume can be deleted while a pod has it. */
  attachedVolumeDeletable: z.boolean(),
  /** Whether S3 opened a volume, by data center. */
  s3Works: z.record(z.string(), z.boolean()),
  /** Whether S3 answers a part of a file. */
  s3Ranges: z.boolean(),
  /** Up to where S3 takes CRC32 checksums: as a header, or also behind a stream. */
  s3Checksums: z.enum(['none', 'header', 'trailer']),
};

export type CapabilityName = keyof typeof values;
export type CapabilityValue<K extends CapabilityName> = z.infer<(typeof values)[K]>;

/** What is known of a platform; `undefined` where nobody has checked. */
export type Capabilities = { minDiskGb: number; podKeyRights: 'own' | 'none' | 'unknown' } & {
  [K in Exclude<CapabilityName, 'minDiskGb' | 'podKeyRights'>]?: CapabilityValue<K> | undefined;
};

/** What holds where nobody has checked: 10 GB were refused at times as if there were no stock, 20 GB never. */
export const shippedDefaults: Capabilities = { podKeyRights: 'unknown', minDiskGb: 20 };

const entry = <T extends z.ZodType>(value: T) =>
  z.object({ value, time: z.iso.datetime(), evidence: z.string() }).optional().catch(undefined);

/** A value with when and how it was found. */
export interface Known<T> {
  value: T;
  time: string;
  evidence: string;
}
export type Findings = { [K in CapabilityName]?: Known<CapabilityValue<K>> | undefined };

const findingsSchema = z.object({
  podKeyRights: entry(values.podKeyRights),
  minDiskGb: entry(values.minDiskGb),
  hostKeysInLog: entry(values.hostKeysInLog),
  environmentOnlyInPid1: entry(values.environmentOnlyInPid1),
  rateLimitPerMinute: entry(values.rateLimitPerMinute),
  volumesInPages: entry(values.volumesInPages),
  dataCenters: entry(values.dataCenters),
  apiAsExpected: entry(values.apiAsExpected),
  bootSeconds: entry(values.bootSeconds),
  terminateSeconds: entry(values.terminateSeconds),
  billLagSeconds: entry(values.billLagSeconds),
  billShowsRunning: entry(values.billShowsRunning),
  attachedVolumeDeletable: entry(values.attachedVolumeDeletable),
  s3Works: entry(values.s3Works),
  s3Ranges: entry(values.s3Ranges),
  s3Checksums: entry(values.s3Checksums),
});

const fileSchema = z.object({
  schema: z.literal(1),
  /** By the address of the API, the one that was checked last at the end. */
  platforms: z.array(z.object({ restUrl: z.string(), findings: findingsSchema })),
});

/** Every start of the sandbox has another address; older ones fall off. */
const mostPlatforms = 20;

/**
 * What `verify-platform` found, in `platform.json` of this installation. The file is a help and no condition: a broken
 * one counts as nothing known.
 */
export class PlatformFile {
  readonly file: string;

  constructor(home: string) {
    this.file = join(home, 'platform.json');
  }

  async findings(restUrl: string): Promise<Findings> {
    return (await this.#read()).find((p) => p.restUrl === restUrl)?.findings ?? {};
  }

  async capabilities(restUrl: string): Promise<Capabilities> {
    const found = Object.entries<Known<unknown> | undefined>(await this.findings(restUrl)).flatMap(([name, known]) =>
      known === undefined ? [] : [[name, known.value]],
    );
    return { ...shippedDefaults, ...(Object.fromEntries(found) as Partial<Capabilities>) };
  }

  /** Adds what is known now; what could not be told this time keeps its older answer. */
  async save(restUrl: string, findings: Findings): Promise<void> {
    const all = await this.#read();
    const before = all.find((p) => p.restUrl === restUrl)?.findings ?? {};
    const others = all.filter((p) => p.restUrl !== restUrl).slice(1 - mostPlatforms);
    const platforms = [...others, { restUrl, findings: { ...before, ...findings } }];
    await writeFileAtomic(this.file, `${JSON.stringify({ schema: 1, platforms }, null, 1)}\n`);
  }

  async #read(): Promise<z.infer<typeof fileSchema>['platforms']> {
    try {
      const text = await readIfThere(this.file);
      return text === undefined ? [] : fileSchema.parse(JSON.parse(text)).platforms;
    } catch {
      return [];
    }
  }
}

/**
 * A sentence for before a start, when it is known that no pod can end itself. With the secret of a key of the user's,
 * the pod tests that one at the start of the job.
 */
export function capNote({ podKeyRights }: Capabilities, endKeySecret?: string): string | undefined {
  return podKeyRights === 'none' && endKeySecret === undefined
    ? 'RunPod lets no pod of this account end itself: the cap holds only while this computer is on and connected'
    : undefined;
}
