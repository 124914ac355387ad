import { gibText, lastHit, shown } from '../lines.ts';
import { batchNames, change, findKnob, workerNames } from '../knobs.ts';
import type { Detector, Facts, Finding } from '../types.ts';

/** The worker's own sentences (exit code 137 or SIGKILL, the cgroup's count of kills, a worker that died with them). */
const killed = [
  /The kernel killed (it|one of its processes)\b.*memory/i,
  /killed by SIGKILL, probably out of memory/,
  /ended by SIGKILL, probably out of memory/,
  /the kernel killed it or its step for lack of memory/,
];
/**
 * What Python and the kernel say themselves: NumPy's and torch's allocators on the CPU, and data loader workers that
 * vanish (torch.utils.data: "DataLoader worker (pid 123) is killed by signal: Killed.").
 */
const said = [
  /^MemoryError\b/,
  /numpy\.?(core\._exceptions\.|_core\._exceptions\.)?_?ArrayMemoryError: Unable to allocate ([\d.]+) ([KMGT]iB)/,
  /DefaultCPUAllocator: can't allocate memory: you tried to allocate (\d+) bytes/,
  /DataLoader worker \(pid[^)]*\) is killed by signal: Killed/,
  /Out of memory: Killed process \d+/,
  /^Killed$|^\S+: (?:line \d+: +\d+ )?Killed(?:\s|$)/,
  /Signal 9 \(SIGKILL\) received by PID/,
  /died with <Signals\.SIGKILL/,
];

/** Who says that it was for memory, and does not conclude it. */
const evidenceOfMemory = [
  /The kernel killed|the kernel killed/,
  /MemoryError/,
  /can't allocate memory/,
  /Out of memory/,
];

/** The pod's main memory was not enough. */
export const hostMemory: Detector = {
  kind: 'host-memory',
  detect: (facts) => {
    const hit = lastHit(facts.lines, ...said);
    const sentence = facts.reasons.find((r) => killed.some((k) => k.test(r)));
    const signal = facts.step?.exitCode === 137 || facts.step?.exitCode === -9;
    if (sentence === undefined && hit === undefined && !signal) {
      return undefined;
    }
    const sure = sentence !== undefined || signal;
    return finding(facts, sure ? Infinity : (hit?.at ?? 0), sentence, hit && shown(hit.line));
  },
};

function finding(facts: Facts, at: number, sentence: string | undefined, line: string | undefined): Finding {
  const { evidence, step } = facts;
  const started = evidence.events.findLast((e) => e.type === 'job.started');
  const memory = started?.type === 'job.started' ? started.host.memoryBytes : null;
  const workers = findKnob(evidence, step?.name, workerNames);
  const batch = findKnob(evidence, step?.name, batchNames);
  const lower =
    workers !== undefined && workers.value >= 2
      ? change(workers, Math.floor(workers.value / 2), 'since every worker holds its own part of the data')
      : batch !== undefined && batch.value >= 2
        ? change(batch, Math.floor(batch.value / 2))
        : null;
  // A signal alone does not say why it was sent.
  const isTold = evidenceOfMemory.some((m) => m.test(`${sentence ?? ''} ${line ?? ''}`));
  const has = memory === null ? '' : ` The pod has ${gibText(memory / 2 ** 30)}.`;
  return {
    at,
    what: isTold
      ? `The step ${step?.name ?? 'at work'} needed more main memory than the pod has.`
      : `A process of the step ${step?.name ?? 'at work'} was killed (SIGKILL), most likely for lack of main memory.`,
    evidence: [
      ...[sentence, line].filter((t) => t !== undefined),
      ...(step?.exitCode === 137 || step?.exitCode === -9 ? [`exit code ${step.exitCode} (killed)`] : []),
      ...(memory === null ? [] : [`memory of the pod: ${gibText(memory / 2 ** 30)}`]),
    ],
    why: `The kernel kills a process that takes more memory than the pod was rented with${isTold ? '' : '; a person or a script on the pod can do it, too'}.${has} This is not the GPU's memory.`,
    next: `${lower?.text ?? 'Load less at once: fewer data loader workers, smaller batches, data read in pieces (pyarrow, memory mapping).'} A pod with more GPUs or another type has more memory.`,
    change: lower,
  };
}
