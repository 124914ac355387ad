/**
 * Data centers whose volumes can be reached over S3, as RunPod documents them (docs.runpod.io/storage/s3-api, read
 * 2026-07-20). DNS and TLS tell nothing reliable about the others, so the table is the answer, and a setting extends
 * it: data centers gain S3 without a release of this program.
 */
const shipped = [
  'EU-CZ-1',
  'EU-RO-1',
  'EUR-IS-1',
  'EUR-NO-1',
  'US-CA-2',
  'US-GA-2',
  'US-IL-1',
  'US-KS-2',
  'US-MD-1',
  'US-MO-1',
  'US-MO-2',
  'US-NC-1',
  'US-NC-2',
  'US-NE-1',
  'US-WA-1',
] as const;

export interface EndpointOptions {
  /** Data center id to address; comes before the table, an empty text takes a data center out of it. */
  own?: Readonly<Record<string, string>> | undefined;
  /** An address for every data center, for `RUNPOD_TRAINER_S3_URL`; `{dataCenter}` stands for the id in lower case. */
  template?: string | undefined;
}

/** The S3 address of a data center, or undefined when its volumes cannot be reached over S3. */
export function s3Endpoint(dataCenter: string, options: EndpointOptions = {}): string | undefined {
  const id = dataCenter.trim().toUpperCase();
  if (options.template !== undefined && options.template !== '') {
    return options.template.replaceAll('{dataCenter}', id.toLowerCase());
  }
  const own = Object.entries(options.own ?? {}).find(([name]) => name.trim().toUpperCase() === id);
  if (own !== undefined) {
    return own[1] === '' ? undefined : own[1];
  }
  return shipped.some((known) => known === id) ? `https://s3api-${id.toLowerCase()}.runpod.io/` : undefined;
}

/** Ids of all data centers that have S3, sorted. */
export function s3DataCenters(own: Readonly<Record<string, string>> = {}): string[] {
  const names = new Set([...shipped, ...Object.keys(own).map((name) => name.trim().toUpperCase())]);
  return [...names].filter((name) => s3Endpoint(name, { own }) !== undefined).sort();
}
