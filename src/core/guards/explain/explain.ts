import { factsOf } from './facts.ts';
import { cap } from './kinds/cap.ts';
import { cudaMemory } from './kinds/cuda-memory.ts';
import { cudaMismatch } from './kinds/cuda-mismatch.ts';
import { diskFull, volumeFull } from './kinds/full.ts';
import { gate } from './kinds/gate.ts';
import { hostMemory } from './kinds/host-memory.ts';
import { huggingFace } from './kinds/hugging-face.ts';
import { moduleMissing } from './kinds/module-missing.ts';
import { nanLoss } from './kinds/nan-loss.ts';
import { noBalance } from './kinds/no-balance.ts';
import { noGpu } from './kinds/no-gpu.ts';
import { noStock } from './kinds/no-stock.ts';
import { pathMissing } from './kinds/path-missing.ts';
import { podGone } from './kinds/pod-gone.ts';
import { sharedMemory } from './kinds/shared-memory.ts';
import { stalled } from './kinds/stalled.ts';
import { stepTimeout } from './kinds/step-timeout.ts';
import { terminated } from './kinds/terminated.ts';
import type { Detector, Evidence, Explanation } from './types.ts';

/** All kinds; of two that are equally sure the earlier one is believed. */
export const detectors: readonly Detector[] = [
  cap,
  stalled,
  noBalance,
  noStock,
  stepTimeout,
  volumeFull,
  hostMemory,
  sharedMemory,
  diskFull,
  cudaMemory,
  cudaMismatch,
  noGpu,
  nanLoss,
  huggingFace,
  moduleMissing,
  pathMissing,
  gate,
  podGone,
  terminated,
];

/**
 * Why a job did not succeed, from what is known of it; undefined for one that goes on or succeeded, and when no kind is
 * recognised: nothing is guessed. Of several causes in a log the last one is believed, since earlier ones were survived.
 */
export function explain(evidence: Evidence): Explanation | undefined {
  const { status } = evidence.state;
  if (status === 'succeeded' || status === 'running' || status === 'starting') {
    return undefined;
  }
  const facts = factsOf(evidence);
  let best: { detector: Detector; finding: NonNullable<ReturnType<Detector['detect']>> } | undefined;
  for (const detector of detectors) {
    const finding = detector.detect(facts);
    // What somebody cancelled needs a reason only where the reason is certain, as with a cap.
    const counts = finding !== undefined && (status !== 'cancelled' || finding.at === Infinity);
    if (counts && (best === undefined || finding.at > best.finding.at)) {
      best = { detector, finding };
    }
  }
  if (best === undefined) {
    return undefined;
  }
  const { what, evidence: seen, why, next, remedies, change } = best.finding;
  const resume = facts.step === undefined ? null : { from: facts.step.name };
  const acts = remedies === undefined ? {} : { remedies };
  return { kind: best.detector.kind, what, evidence: seen, why, next, ...acts, change, resume };
}
