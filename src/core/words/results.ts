import { count as counted } from './count.ts';

/** Of results that should be here and are not: how many, or 0 where it is all of them. */
interface Missing {
  count: number;
}

/** For a list: `results not here`. */
export function missingWords({ count }: Missing): string {
  return count === 0 ? 'results not here' : `${counted(count, 'result')} not here`;
}

/** After the name of a job: `succeeded, but 2 of its results are not here`. */
export function missingText({ count }: Missing): string {
  if (count === 0) {
    return 'its results are not here';
  }
  return `${count} of its results ${count === 1 ? 'is' : 'are'} not here`;
}
