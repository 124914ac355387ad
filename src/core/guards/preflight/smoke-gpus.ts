import type { Project } from '../../project/schema.ts';
import type { GpuType } from '../../runpod/schemas.ts';
import { isAmd, isBlackwell, misfit } from './gpu-fit.ts';
import { readImage } from './image.ts';

/** So many are asked for one after the other: what is refused is tried with the next, which costs more. */
const most = 3;
/** Times the price of the cheapest: what costs more would break the word about the price. */
const mostTimes = 1.5;
/** Older than Ampere: without bfloat16, and left out by newer images. */
const old = /V100|P100|\bT4\b|\bRTX [58]000$|GTX|TITAN/;

type Target = Pick<Project['target'], 'gpus' | 'gpuCount' | 'image'>;

/**
 * What a smoke run asks for: the cheapest types that are free in the data center, have the memory of the smallest that
 * the project names and can run its image. Without any, the project's own list. The catalog has to be filtered by the
 * project's GPU count and lowest CUDA already.
 */
export function cheapestGpus(catalog: readonly GpuType[], target: Target, dataCenter: string): string[] {
  const wanted = target.gpus ?? [];
  const sizes = catalog.filter((type) => wanted.includes(type.id)).map((type) => type.memory);
  const known = sizes.filter((gb) => gb !== null);
  const least = known.length === 0 ? Infinity : Math.min(...known);
  const free = catalog
    .filter((type) => priceOf(type) < Infinity && stockOf(type, dataCenter))
    .filter((type) => (type.maxCount?.secure ?? Infinity) >= target.gpuCount)
    .filter(({ id, memory }) => wanted.includes(id) || ((memory ?? 0) >= least && runs(id, target, wanted)))
    .toSorted((a, b) => priceOf(a) - priceOf(b));
  const [first] = free;
  if (first === undefined) {
    return [...wanted];
  }
  const limit = priceOf(first) * mostTimes;
  return free
    .filter((type) => priceOf(type) <= limit)
    .slice(0, most)
    .map((type) => type.id);
}

/** What the catalog says of a type is not enough: the image has to have kernels for it. */
function runs(id: string, { image }: Target, wanted: readonly string[]): boolean {
  const facts = readImage(image);
  if (isAmd(id) !== wanted.every(isAmd) || old.test(id)) {
    return false;
  }
  return facts?.cuda === undefined
    ? !isBlackwell(id) || wanted.some(isBlackwell)
    : misfit(id, facts, facts.cuda) === undefined;
}

function stockOf(type: GpuType, dataCenter: string): boolean {
  return type.dataCenters.some((place) => place.id === dataCenter && place.availability !== 'NONE');
}

/** A price of 0 means that the type is not offered. */
function priceOf({ price }: GpuType): number {
  const secure = price?.secure ?? 0;
  return secure > 0 ? secure : Infinity;
}
