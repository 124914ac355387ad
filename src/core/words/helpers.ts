import { count } from './count.ts';
import { priced, spentText } from './money.ts';

const purposes = {
  fetch: 'fetching results',
  sync: 'syncing',
  backup: 'backing up',
  move: 'moving a volume',
  verify: 'checking the platform',
} as const;
type Purpose = keyof typeof purposes;

/** What a helper pod was rented for: `syncing songs`. */
export function helperText({ purpose, project }: { purpose: Purpose; project?: string | null | undefined }): string {
  const whose = purpose === 'fetch' ? ' of' : '';
  return project == null ? purposes[purpose] : `${purposes[purpose]}${whose} ${project}`;
}

/** What helper pods have cost, in one sentence; none when there was none. */
export function helperCostLines(
  helpers: readonly { purpose: Purpose; pods: number; dollars: number; mostDollars: number }[],
  free: boolean,
): readonly string[] {
  const each = helpers.map(
    (h) => `${purposes[h.purpose]} ${priced(spentText(h.dollars, h.mostDollars), free)} (${count(h.pods, 'pod')})`,
  );
  return each.length === 0 ? [] : [`Helper pods of this computer, beside its jobs: ${each.join(', ')}.`];
}
