import type { JobEvent } from '../../../../src/core/journal/events.ts';
import type { StepView } from '../../../../src/core/journal/view.ts';
import type { Evidence } from '../../../../src/core/guards/explain/index.ts';
import { projectSchema, type Project } from '../../../../src/core/project/schema.ts';

export const stepView = (more: Partial<StepView> = {}): StepView => ({
  name: 'train',
  where: 'pod',
  status: 'failed',
  why: [],
  gates: [],
  metrics: {},
  reason: 'It ended with exit code 1.',
  ...more,
});

/** A project with one step; `step` and `more` change it. */
export function project(step: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Project {
  const { target, ...rest } = more as { target?: Record<string, unknown> };
  return projectSchema.parse({
    version: 1,
    name: 'songs',
    target: {
      volume: { name: 'songs', dataCenter: 'US-MD-1', size: 20 },
      gpus: ['NVIDIA GeForce RTX 4090', 'NVIDIA L4'],
      image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
      ...target,
    },
    sync: { must: ['training/'] },
    steps: [{ name: 'train', module: 'training.train', ...step }],
    ...rest,
  });
}

const envelope = { epoch: 1, seq: 1, time: '2026-11-22T09:30:12.123Z' };

export const started = (more: { gpus?: string[]; memoryBytes?: number | null } = {}): JobEvent => ({
  ...envelope,
  type: 'job.started',
  job: 'songs-20261122-093012-k3f9',
  project: 'songs',
  podId: 'p1',
  host: { python: '3.12', cpus: 8, memoryBytes: 64 * 2 ** 30, gpus: ['NVIDIA GeForce RTX 4090, 24564 MiB'], ...more },
  steps: [{ name: 'train', where: 'pod' }],
  capSeconds: null,
});

/** A step that ended with this exit code after these lines. */
export function failed(
  log: string[],
  more: Partial<Evidence> & { exitCode?: number | null; step?: Partial<StepView>; jobReason?: string } = {},
): Evidence {
  const { exitCode = 1, step, jobReason, ...rest } = more;
  const view = stepView({ reason: `It ended with exit code ${exitCode ?? 'none'}.`, ...step });
  const finished: JobEvent = {
    ...envelope,
    type: 'step.finished',
    step: view.name,
    status: view.status === 'timeout' ? 'timeout' : view.status === 'cancelled' ? 'cancelled' : 'failed',
    exitCode,
    seconds: 60,
    reason: view.reason ?? null,
  };
  return {
    state: { status: 'failed', reason: jobReason ?? view.reason, steps: [view], step: view.name },
    events: [started(), finished],
    log,
    project: project(),
    ...rest,
  };
}

/** What the sample and healthy training runs print, with words in it that also stand in failures. */
export const healthyLog = [
  'model training/output/models/tiny_deberta: 99,392 parameters on cpu',
  'batch 5/17',
  '{"vocal_segments": 6773, "embedded_segments": 6773, "distinct_texts": 4311, "dimension": 64, "seconds": 15.163764}',
  '3978 segments to train on, 1033 to validate on, cpu',
  '{"step": 1, "loss": 1.797117, "accuracy": 0.496612}',
  '{"step": 12, "loss": 0.518527, "accuracy": 0.640852}',
  'calibration error: 1.7% before, 1.4% after',
  'Lantern Little       is Orange, taken for Yellow',
  "{'loss': 0.4213, 'grad_norm': nan, 'learning_rate': 0.0, 'epoch': 0.01}",
  "{'loss': 0.4198, 'grad_norm': 1.91, 'learning_rate': 4.9e-05, 'epoch': 0.02}",
  'Some weights of DebertaV2Model were not initialized from the model checkpoint and are newly initialized',
  'UserWarning: CUDA is not available or torch_xla is imported, disabling autocast',
  'Filtered 12 rows with nan in the column text',
  "flash_attn is not installed: No module named 'flash_attn', using sdpa",
  'If you run out of memory, lower --batch-size',
  'HTTP Request: GET https://huggingface.co/api/models/microsoft/deberta-v3-base "HTTP/1.1 200 OK"',
  'Downloading model.safetensors: 100%|██████████| 371M/371M',
  'saved training/output/phase_2/model.safetensors, no checkpoint of an earlier run was found',
  'Disk use: 12 of 40 GB, memory 401 of 1024 MB, exit 137 is not expected',
];
