import { throwIfCancelled } from '../../errors.ts';
import { accountProbes } from './account-checks.ts';
import { runProbe, type Check, type CheckId, type CheckStatus, type Probe, type Subject, type Visit } from './check.ts';
import { linkProbes } from './link-checks.ts';
import { machineProbes } from './machine-checks.ts';

const probes: readonly Probe[] = [...accountProbes, ...linkProbes, ...machineProbes];

/** Titles of all checks in their order. */
export const checkTitles: readonly string[] = probes.map((p) => p.title);

export interface ExamineOptions {
  installation: Visit['installation'];
  /** Without one, only the key is checked. */
  subject?: Subject | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Follows the way from the API key to the GPU and tells at each station whether it works, how long it took and what to
 * do when it does not (R9.8). It changes nothing but a probe file that it removes again. A check whose groundwork
 * failed is `skipped`. Throws CancelledError when the signal aborts; the connection is closed in any case.
 */
export async function* examine(options: ExamineOptions): AsyncGenerator<Check, void, void> {
  const visit: Visit = { installation: options.installation, subject: options.subject };
  const seen = new Map<CheckId, CheckStatus>();
  try {
    for (const probe of probes) {
      throwIfCancelled(options.signal);
      const missing = probe.needs.find((id) => !['ok', 'unknown'].includes(seen.get(id) ?? ''));
      const check =
        missing === undefined
          ? await runProbe(probe, visit, options.signal)
          : skippedFor(probe, probes.find((p) => p.id === missing)?.title ?? missing);
      seen.set(check.id, check.status);
      yield check;
    }
  } finally {
    visit.connection?.close();
  }
}

function skippedFor({ id, title }: Probe, missing: string): Check {
  return { id, title, status: 'skipped', ms: 0, seen: `needs: ${missing}` };
}
