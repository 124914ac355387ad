import { byteText, priced, pricePerMonth } from '../../words/index.ts';
import { volumeCostPerMonth } from '../../pods/volume.ts';

/** Bounds of a volume in GB, as the API has them. */
const smallest = 10;
const largest = 4096;
const bytesPerGb = 1e9;

/** Twice the data, for what the job writes comes on top of it. GB. */
export function volumeSizeGb(dataBytes: number): number {
  return Math.min(largest, Math.max(smallest, Math.ceil((2 * dataBytes) / bytesPerGb)));
}

/** Why that size, in sentences. */
export function sizeText(
  dataBytes: number,
  free: boolean,
  existing?: { name: string; size: number; dataCenter: string },
): string {
  const gb = volumeSizeGb(dataBytes);
  const data = `The project has ${byteText(dataBytes)} of data`;
  if (existing !== undefined) {
    const { name, size } = existing;
    return gb <= size
      ? `${data}; the volume ${name} has ${size} GB, which is at least twice that.`
      : `${data}; the volume ${name} has ${size} GB, and ${gb} GB would be twice the data. A volume can grow, never shrink.`;
  }
  const why =
    gb === largest
      ? `the largest volume has ${gb} GB`
      : gb === smallest
        ? `the smallest volume, ${gb} GB, is at least twice that`
        : `twice that, ${gb} GB, leaves room for checkpoints and results`;
  return `${data}; ${why}. Its price as a standard volume: ${priced(`about ${pricePerMonth(volumeCostPerMonth(gb), false)}`, free)}. Its region is for good; it can grow later, never shrink.`;
}
