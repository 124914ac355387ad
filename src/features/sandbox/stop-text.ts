import type { JobRecord } from '../../core/journal/records.ts';
import { count } from '../../core/words/index.ts';

/** What stopping the sandbox at this address would end: jobs by name, and pods that none of them has. */
export function stopText(
  restUrl: string,
  records: readonly JobRecord[],
  pods: readonly { id: string; name: string }[],
): string {
  const going = records.filter((record) => record.restUrl === restUrl && record.phase !== 'done');
  const had = new Set(going.map((record) => record.pod?.id));
  const others = pods.filter((pod) => !had.has(pod.id));
  const lost = [
    ...(going.length === 0
      ? []
      : [`${count(going.length, 'job')} (${named(going.map((r) => `${r.project}: ${r.job}`))})`]),
    ...(others.length === 0
      ? []
      : [`${count(others.length, 'other pod')} (${named(others.map((p) => p.name || p.id))})`]),
  ];
  const stay = 'Its volumes stay for the next start.';
  return lost.length === 0
    ? `Nothing runs in it. ${stay}`
    : `What runs in it ends and is lost: ${lost.join(' and ')}. ${stay}`;
}

const shown = 5;

function named(names: readonly string[]): string {
  const more = names.length > shown ? ` and ${names.length - shown} more` : '';
  return `${names.slice(0, shown).join(', ')}${more}`;
}
