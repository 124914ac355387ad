/** Data centers whose network volumes are reached by S3, as published in 2026. */
const withS3 = new Set([
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
]);

export function hasS3(dataCenter: string): boolean {
  return withS3.has(dataCenter);
}
