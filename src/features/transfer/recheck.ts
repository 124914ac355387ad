import type { TransferPlan } from '../../core/volumes/plan/index.ts';
import { UserError } from '../../core/errors.ts';

/** A key on a volume can be read by everybody who may use the account, so nothing goes there by mistake. */
export function refuseSecrets({ secrets }: TransferPlan): void {
  if (secrets.length > 0) {
    const files = [...new Set(secrets.map(({ path }) => path))];
    const named = files.slice(0, 3).join(', ');
    throw new UserError('secrets-found', {
      what: `Nothing was sent: ${files.length === 1 ? `${named} holds` : `${files.length} files, such as ${named}, hold`} what looks like a secret.`,
      why: 'On the volume everybody with access to the account can read it.',
      next: 'Put it under "sync.never" or in .runpodignore, or choose "Allow This File" in the transfer plan.',
    });
  }
}

/**
 * What a newer plan has that somebody who agreed to the older one has not seen: in words, or undefined when it is no
 * surprise. Files that are sent are none, for they are those of this machine.
 */
export function unseenChange(seen: TransferPlan, now: TransferPlan): string | undefined {
  if (now.route.kind !== seen.route.kind) {
    return 'The files would go another way.';
  }
  const conflicts = new Map(seen.conflicts.map((conflict) => [conflict.path, JSON.stringify(conflict.there)]));
  if (now.conflicts.some(({ path, there }) => conflicts.get(path) !== JSON.stringify(there))) {
    return 'More files changed on both sides.';
  }
  const deletes = new Set(seen.deletes);
  return now.deletes.some((path) => !deletes.has(path)) ? 'More files would be deleted on the volume.' : undefined;
}

/** The conflicts that were decided and that are still the same. */
export function stillDecided(seen: TransferPlan, now: TransferPlan, replace: ReadonlySet<string>): Set<string> {
  const there = new Map(now.conflicts.map((conflict) => [conflict.path, JSON.stringify(conflict.there)]));
  const kept = seen.conflicts.filter(
    (conflict) => replace.has(conflict.path) && there.get(conflict.path) === JSON.stringify(conflict.there),
  );
  return new Set(kept.map((conflict) => conflict.path));
}
