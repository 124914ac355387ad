import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ruleText } from '../../files/excluded.ts';
import { hiddenBy } from '../../files/to-upload.ts';
import type { Facts } from './facts.ts';

/** Why things that are here would not be on the pod, and what helps. */
export interface NotUploaded<T> {
  items: T[];
  /** Goes on behind "which". */
  reason: string;
  next: string;
}

/** Of paths that are here and are not uploaded: by the rule that leaves them out, or that no list names them. */
export function notUploaded<T extends { path: string }>(
  facts: Facts,
  items: readonly T[],
  list: 'must' | 'data' = 'must',
): NotUploaded<T>[] {
  const groups = new Map<string, NotUploaded<T>>();
  for (const item of items) {
    const here = statSync(join(facts.root, item.path), { throwIfNoEntry: false });
    const rule = hiddenBy(facts, item.path, here?.isDirectory() === true);
    const reason = rule === undefined ? '"sync" does not upload' : `${ruleText(rule)} leaves out`;
    const group = groups.get(reason) ?? {
      items: [],
      reason,
      next:
        rule === undefined
          ? `Add "${item.path}" or its folder to "sync.${list}".`
          : rule.from === 'always'
            ? 'Keep it in another folder.'
            : 'Make the rule narrower, or take it out.',
    };
    groups.set(reason, group);
    group.items.push(item);
    if (rule === undefined && group.items.length === 2) {
      group.next = `Add the files or their folder to "sync.${list}".`;
    }
  }
  return [...groups.values()];
}
