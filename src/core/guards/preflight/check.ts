import { CancelledError } from '../../errors.ts';
import type { Facts } from './facts.ts';
import { Say, type CheckReport, type CheckStatus } from './finding.ts';
import { unknownBecause } from './memo.ts';

/** One question about a run, answered from facts alone; it changes nothing and costs nothing. */
export interface Check {
  /** Stable, for programs. */
  id: string;
  /** For people, a few words. */
  title: string;
  /** Says what it finds. What it rejects with makes the check unknown and never the preflight fail. */
  run: (facts: Facts, say: Say) => Promise<void> | void;
}

/** Runs one check. Rejects with CancelledError only. */
export async function runCheck(check: Check, facts: Facts): Promise<CheckReport> {
  const started = performance.now();
  const say = new Say();
  try {
    await check.run(facts, say);
  } catch (error) {
    if (error instanceof CancelledError) {
      throw error;
    }
    say.unknown(unknownBecause(error));
  }
  const { findings, unknowns, passedOver } = say;
  return {
    id: check.id,
    title: check.title,
    status: statusOf(say),
    findings,
    unknown: [...new Set(unknowns)],
    ...(passedOver.length > 0 && { passedOver }),
    ms: Math.round(performance.now() - started),
  };
}

function statusOf({ findings, unknowns }: Say): CheckStatus {
  const has = (severity: string): boolean => findings.some((f) => f.severity === severity);
  if (has('error')) {
    return 'error';
  }
  if (has('warning')) {
    return 'warning';
  }
  return unknowns.length > 0 ? 'unknown' : has('info') ? 'info' : 'ok';
}
