import type { TransferPlan } from './types.ts';

/** A volume takes about this much for every file, however small, in bytes; RunPod does not promise it. */
export const leastPerFile = 64 * 1024;

/** Room that small files take beyond their content, in bytes (an estimate). */
export function wasteOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + Math.max(0, leastPerFile - size), 0);
}

/** What archives save on the volume compared with their files one by one. */
export function wasteAvoided(
  archives: readonly { size: number; memberSizes: readonly number[] }[],
): TransferPlan['wasteAvoided'] {
  const bytes = archives.reduce((sum, { size, memberSizes }) => sum + wasteOf(memberSizes) - wasteOf([size]), 0);
  const basis = 'A volume takes about 64 KB for every file, however small; RunPod does not promise the number.';
  return { bytes: Math.max(0, bytes), estimate: true, basis };
}
