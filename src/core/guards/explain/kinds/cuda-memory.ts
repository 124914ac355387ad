import { accumulationNames, batchNames, change, findKnob } from '../knobs.ts';
import { gibText, lastHit, shown, toGib } from '../lines.ts';
import type { Change, Detector, Facts } from '../types.ts';

/**
 * torch up to 1.13 and 2.0 (`RuntimeError:`, then `torch.cuda.OutOfMemoryError:`), 2.1 to 2.4 (new sentence, at first with
 * "capacty"), 2.5 and later (`torch.OutOfMemoryError:`); pytorch/pytorch issues 16417 and 59778 show them. Then cuBLAS and
 * cuDNN, which only fail to make their handles, bitsandbytes, JAX and TensorFlow.
 */
const patterns = [
  /CUDA out of memory\./,
  /CUDA error: out of memory/,
  /CUDA error: CUBLAS_STATUS_ALLOC_FAILED/,
  /CUDNN_STATUS_ALLOC_FAILED/,
  /cudaErrorMemoryAllocation/,
  /RESOURCE_EXHAUSTED: .*[Oo]ut of memory/,
  /\bHIP out of memory\./,
];

const size = '([\\d.]+) (bytes|[KMG]iB)';
const asked = new RegExp(`Tried to allocate ${size}`);
const total = [new RegExp(`total capac(?:i?ty) of ${size}`), new RegExp(`${size} total capacity`)];
const free = [new RegExp(`of which ${size} is free`), new RegExp(`${size} free`)];

/** A size in GiB that the message tells. */
function sizeIn(line: string, ...known: readonly RegExp[]): number | undefined {
  const match = known.map((k) => k.exec(line)).find((m) => m !== null);
  return toGib(match?.[1], match?.[2]);
}

/** The GPU's memory was not enough. */
export const cudaMemory: Detector = {
  kind: 'cuda-memory',
  detect: (facts) => {
    const hit = lastHit(facts.lines, ...patterns);
    if (hit === undefined) {
      return undefined;
    }
    // The sizes may stand in the log while the last word of it is a shorter one.
    const full = lastHit(facts.lines, asked)?.line ?? hit.line;
    const [wanted, has, left] = [sizeIn(full, asked), sizeIn(full, ...total), sizeIn(full, ...free)];
    const numbers = [
      wanted === undefined ? undefined : `asked for ${gibText(wanted)}`,
      has === undefined ? undefined : `the GPU has ${gibText(has)}`,
      left === undefined ? undefined : `${gibText(left)} of it was free`,
    ].filter((t) => t !== undefined);
    const lower = smaller(facts);
    const told = has === undefined ? '' : ` of ${gibText(has)}`;
    return {
      at: hit.at,
      what: `The GPU's memory${told} was not enough for the step ${facts.step?.name ?? 'at work'}.`,
      evidence: [shown(full), ...(numbers.length === 0 ? [] : [numbers.join(', ')])],
      why: 'Memory for activations grows with the batch and with the length of its sequences; weights, gradients and the optimizer come on top.',
      next: `${lower.text} If that is not enough: gradient checkpointing, shorter sequences, or a GPU with more memory in "target.gpus".`,
      change: lower.change,
    };
  },
};

function smaller({ evidence, step }: Facts): { text: string; change: Change | null } {
  const batch = findKnob(evidence, step?.name, batchNames);
  const accumulation = findKnob(evidence, step?.name, accumulationNames);
  if (batch !== undefined && batch.value >= 2) {
    const to = Math.floor(batch.value / 2);
    const twice = (accumulation?.value ?? 1) * 2;
    const same = `${accumulation?.name ?? 'gradient accumulation'} ${twice} keeps the effective batch size`;
    const made = change(batch, to);
    return { text: `${made.text} With it, ${same}.`, change: made };
  }
  if (batch !== undefined) {
    return { text: `${batch.name} is ${batch.value} already.`, change: null };
  }
  return {
    text: 'Halve the batch size in the code and double gradient accumulation, which keeps the effective batch size; the project file gives none to this step.',
    change: null,
  };
}
