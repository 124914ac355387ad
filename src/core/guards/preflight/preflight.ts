import type { Installation } from '../../home/installation.ts';
import type { LoadedProject } from '../../project/load.ts';
import { runCheck } from './check.ts';
import { checks } from './checks/index.ts';
import { Facts, type PreflightOptions } from './facts.ts';
import type { PreflightReport, Severity } from './finding.ts';

const rank: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

/**
 * Looks at everything that can make a run fail or waste money, before anything is paid for: only reads reach RunPod,
 * and nothing of the project is run. All checks run at once and share what they look at. Rejects with CancelledError
 * when the signal aborts, and with `profile-unknown`; whatever cannot be looked at makes its check unknown.
 */
export async function preflight(
  installation: Installation,
  loaded: LoadedProject,
  options: PreflightOptions = {},
): Promise<PreflightReport> {
  const started = performance.now();
  const facts = new Facts(installation, loaded, options);
  const reports = await Promise.all(checks.map((check) => runCheck(check, facts)));
  const findings = reports.flatMap((r) => r.findings).toSorted((a, b) => rank[a.severity] - rank[b.severity]);
  return { findings, checks: reports, ms: Math.round(performance.now() - started) };
}
