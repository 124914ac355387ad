import { byteText as withDecimal } from '../../format.ts';

/** `1.5 KB`, `20 GB`: without a zero after the point; a GB is 1000³ bytes, as RunPod counts. */
export function byteText(bytes: number): string {
  return withDecimal(bytes).replace('.0 ', ' ');
}

/** The first few of many, and how many more there are. */
export function some(items: readonly string[], most = 3): string {
  const rest = items.length - most;
  return `${items.slice(0, most).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
