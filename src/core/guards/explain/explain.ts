import { factsOf } from './facts.ts';
import { cap } from './kinds/cap.ts';
import { commandMissing } from './kinds/command-missing.ts';
import { crashed } from './kinds/crashed.ts';
import { cudaMemory } from './kinds/cuda-memory.ts';
import { cudaMismatch } from './kinds/cuda-mismatch.ts';
import { dataUnreadable } from './kinds/data-unreadable.ts';
import { distributed } from './kinds/distributed.ts';
import { diskFull, volumeFull } from './kinds/full.ts';
import { gate } from './kinds/gate.ts';
import { hostMemory } from './kinds/host-memory.ts';
import { huggingFace } from './kinds/hugging-face.ts';
import { keyMissing } from './kinds/key-missing.ts';
import { libraryMissing } from './kinds/library-missing.ts';
import { moduleMissing } from './kinds/module-missing.ts';
import { nanLoss } from './kinds/nan-loss.ts';
import { network } from './kinds/network.ts';
import { noBalance } from './kinds/no-balance.ts';
import { noGpu } from './kinds/no-gpu.ts';
import { noStock } from './kinds/no-stock.ts';
import { packageMismatch } from './kinds/package-mismatch.ts';
import { packagesRefused } from './kinds/packages.ts';
import { pathMissing } from './kinds/path-missing.ts';
import { permission } from './kinds/permission.ts';
import { podGone } from './kinds/pod-gone.ts';
import { sharedMemory } from './kinds/shared-memory.ts';
import { stalled } from './kinds/stalled.ts';
import { stepTimeout } from './kinds/step-timeout.ts';
import { syntax } from './kinds/syntax.ts';
import { tensors } from './kinds/tensors.ts';
import { terminated } from './kinds/terminated.ts';
import { usage } from './kinds/usage.ts';
import type { Ending } from './ending.ts';
import { shown } from './lines.ts';
import type { Detector, Evidence, Explanation, Facts, Finding } from './types.ts';

/** All kinds. */
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
  syntax,
  usage,
  packagesRefused,
  libraryMissing,
  packageMismatch,
  moduleMissing,
  commandMissing,
  permission,
  pathMissing,
  distributed,
  network,
  tensors,
  dataUnreadable,
  keyMissing,
  gate,
  podGone,
  terminated,
  crashed,
];

/**
 * Why a job did not succeed, from what is known of it; undefined for one that goes on or succeeded, and when no kind is
 * recognised: nothing is guessed. Of a log only the error that ended it counts, and what that error came from; what was
 * said before was survived, so it is told as also seen.
 */
export function explain(evidence: Evidence): Explanation | undefined {
  const { status } = evidence.state;
  if (status === 'succeeded' || status === 'running' || status === 'starting') {
    return undefined;
  }
  const { facts, ending } = factsOf(evidence);
  const looks = ending.errors.map(({ message, frames }) => ({ ...facts, lines: message, frames }));
  const best = judge(looks.length === 0 ? [facts] : looks);
  // What somebody cancelled needs a reason only where the reason is certain, as with a cap.
  if (best === undefined || (status === 'cancelled' && best.finding.at !== Infinity)) {
    return undefined;
  }
  const { what, evidence: seen, why, next, remedies, change } = best.finding;
  const resume = facts.step === undefined ? null : { from: facts.step.name };
  const acts = remedies === undefined ? {} : { remedies };
  // Where an error came from another one that says more, both are shown.
  const final = best.look > 0 ? (looks[0]?.lines[0] ?? '') : '';
  const lines = [...new Set([final, ...seen].map((line) => shown(line)).filter((line) => line !== ''))];
  return {
    kind: best.detector.kind,
    what: shown(what),
    evidence: lines,
    also: alsoSeen(facts, ending, best.detector).filter((line) => !lines.includes(line)),
    why: shown(why),
    next: shown(next, 800),
    ...acts,
    change,
    resume,
  };
}

/** What is there to see where no kind is recognised: the line that names the error, and what was survived before it. */
export function unexplained(evidence: Evidence): { error: string | undefined; also: string[] } {
  const { facts, ending } = factsOf(evidence);
  // What the worker says of a process is no word of the process.
  const error = ending.errors.find(({ message: [first = ''] }) => !facts.reasons.includes(first))?.message[0];
  return { error: error === undefined ? undefined : shown(error), also: alsoSeen(facts, ending) };
}

interface Judged {
  /** Which of the errors it was found in. */
  look: number;
  detector: Detector;
  finding: Finding;
}

/** What is certain comes first, then what the errors say one after the other, then what only makes it likely. */
function judge(looks: readonly Facts[]): Judged | undefined {
  const judged = looks.map((facts, look) =>
    detectors.flatMap((detector) => {
      const finding = detector.detect(facts);
      return finding === undefined ? [] : [{ look, detector, finding }];
    }),
  );
  const certain = judged[0]?.filter(({ finding }) => finding.at >= Number.MAX_SAFE_INTEGER);
  const said = judged.map((all) => all.filter(({ finding: { at } }) => at >= 0 && at < Number.MAX_SAFE_INTEGER));
  return [certain, ...said, judged[0]].map((all = []) => highest(all)).find((best) => best !== undefined);
}

/** Of two that are equally sure the earlier one of {@link detectors} is believed. */
function highest(all: readonly Judged[]): Judged | undefined {
  return all.reduce<Judged | undefined>(
    (best, one) => (best === undefined || one.finding.at > best.finding.at ? one : best),
    undefined,
  );
}

/** So many earlier messages are shown. */
const mostAlso = 3;

function alsoSeen(facts: Facts, { before }: Ending, cause?: Detector): string[] {
  const earlier = { ...facts, lines: before, frames: [] };
  const found = detectors
    .filter((detector) => detector !== cause)
    .map(({ detect }) => detect(earlier))
    .filter((finding) => finding !== undefined)
    .filter(({ at }) => at >= 0 && at < Number.MAX_SAFE_INTEGER)
    .toSorted((a, b) => a.at - b.at);
  return [...new Set(found.map(({ at }) => shown(before[at] ?? '')))].filter(Boolean).slice(-mostAlso);
}
