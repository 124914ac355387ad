import type { GateResult } from '../../../src/core/journal/events.ts';
import { RecordedJob } from './recorded-job.ts';

const gate = (change: Partial<GateResult>): GateResult => ({
  index: 0,
  type: 'rows',
  title: 'rows of data/base.parquet',
  status: 'passed',
  expected: '= 1327',
  seen: '1327',
  message: null,
  evidence: { rows: 1327 },
  ...change,
});

const steps = [
  { name: 'manifest', where: 'local' },
  { name: 'build_base', where: 'pod' },
  { name: 'phase_1', where: 'pod' },
  { name: 'phase_2', where: 'pod' },
  { name: 'export', where: 'pod' },
] as const;

/** Lines that try what terminals and pages can be made to do. */
export const hostileLines = [
  '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>',
  '\u001b]8;;https://evil.example/\u0007click me\u001b]8;;\u0007 \u001b]52;c;ZXZpbA==\u0007 \u001b[2J\u001b[Hafter',
  'invoice\u202egpj.exe \u001b[31mred\u001b[0m &amp; <b>not bold</b>',
];

/** A job of five steps on an H100 that trains its fourth step. */
export async function trainingJob(home: string, root: string): Promise<RecordedJob> {
  const start = Date.now() - 38 * 60_000;
  const job = new RecordedJob(
    home,
    { name: 'rainbow', root },
    {
      pod: {
        id: 'p7x2k1m9q0',
        name: 'rainbow-k3f9',
        created: new Date(start + 20_000).toISOString(),
        hardware: 'NVIDIA H100 80GB HBM3',
        costPerHour: 2.69,
      },
      remote: {
        mount: '/workspace',
        projectDir: '/workspace/projects/rainbow',
        jobDir: '/workspace/.runpod-trainer/jobs/rainbow-20261122-093012-k3f9',
        worker: '/workspace/.runpod-trainer/worker/1f.pyz',
        python: 'python3',
      },
    },
    38,
  );
  await job.save();
  const deadline = new Date(start + 3 * 3_600_000).toISOString();
  await job.add(
    60,
    {
      type: 'job.started',
      job: job.job,
      project: 'rainbow',
      podId: 'p7x2k1m9q0',
      host: { python: '3.12.3', cpus: 26, memoryBytes: 201_863_462_912, gpus: ['NVIDIA H100 80GB HBM3'] },
      steps: [...steps],
      capSeconds: 10_800,
    },
    { type: 'watchdog', armed: true, detail: 'The keeper ends the pod with its own key.', deadline },
    {
      type: 'step.local',
      step: 'manifest',
      status: 'passed',
      seconds: 3.1,
      why: null,
      gates: [
        gate({ title: 'staged_raw_material/manifest.json', type: 'file', expected: '>= 64 bytes', seen: '4211 bytes' }),
      ],
    },
    { type: 'log', step: null, stream: 'out', lines: ['Installing requirements.txt: nothing to install'] },
    {
      type: 'step.skipped',
      step: 'build_base',
      why: 'unchanged since the run of 21 Nov 17:04, and its gates still hold',
      gates: [
        gate({}),
        gate({
          index: 1,
          type: 'distinct',
          title: 'colors of data/base.parquet',
          expected: '8 values',
          seen: '8 values',
          evidence: {},
        }),
      ],
    },
    {
      type: 'step.started',
      step: 'phase_1',
      index: 3,
      of: 5,
      why: ['learning_rate changed in training/notebooks/phase_1.ipynb'],
      argv: ['python3', '-m', 'training.phase_1', '--epochs', '3', '--note', "it's new"],
    },
  );
  for (let i = 0; i < 120; i++) {
    await job.add(70 + i * 4, {
      type: 'metric',
      step: 'phase_1',
      values: {
        step: i * 10,
        loss: 2.4 * Math.exp(-i / 40) + 0.2 + Math.sin(i) * 0.02,
        accuracy: 1 - Math.exp(-i / 50),
        learning_rate: 3e-4 * (1 - i / 120),
      },
    });
  }
  await job.add(
    560,
    { type: 'log', step: 'phase_1', stream: 'out', lines: ['phase 1 done'] },
    {
      type: 'gate',
      step: 'phase_1',
      gate: gate({ type: 'metric', title: 'metric accuracy', expected: 'last >= 0.5', seen: '0.907' }),
    },
    { type: 'step.finished', step: 'phase_1', status: 'passed', exitCode: 0, seconds: 498.2, reason: null },
    {
      type: 'step.started',
      step: 'phase_2',
      index: 4,
      of: 5,
      why: ['phase_1 ran before it'],
      argv: ['python3', '-m', 'training.phase_2'],
    },
    {
      type: 'log',
      step: 'phase_2',
      stream: 'out',
      lines: [
        'Loading chain_artifacts/phase_1/adapter.safetensors',
        '\u001b[32m✓\u001b[0m 1,327 rows, 8 colors',
        ...hostileLines,
      ],
    },
    {
      type: 'log',
      step: 'phase_2',
      stream: 'err',
      lines: ['\u001b[33mUserWarning\u001b[0m: the tokenizer has no pad token, eos is used'],
    },
  );
  for (let i = 0; i < 150; i++) {
    const loss = (1.9 * Math.exp(-i / 45) + 0.31 + Math.sin(i * 1.7) * 0.03).toFixed(4);
    await job.add(
      600 + i * 11,
      {
        type: 'metric',
        step: 'phase_2',
        values: {
          step: (i + 1) * 20,
          loss: Number(loss),
          grad_norm: 1.2 + Math.cos(i) * 0.3,
          tokens_per_second: 41_800 + Math.sin(i * 3) * 900,
          'eval/loss': i === 77 ? null : Number(loss) * 1.08,
        },
      },
      {
        type: 'log',
        step: 'phase_2',
        stream: 'out',
        lines: [
          `step ${String((i + 1) * 20).padStart(5)} | loss \u001b[1m${loss}\u001b[0m | lr 2.00e-04 | \u001b[36m41.8k tok/s\u001b[0m`,
        ],
      },
    );
  }
  return job;
}

/** The job's fourth step ends at a gate that does not hold. */
export async function failAtGate(job: RecordedJob): Promise<void> {
  const message =
    'Column color of chain_artifacts/phase_2/eval.parquet lacks the value Green; it has 7 of 8. Check the filter in build_base and the sampling in phase_2.';
  const seen = ['Blue', 'Indigo', 'Orange', 'Red', 'Teal', 'Violet', 'Yellow'];
  await job.add(
    2270,
    { type: 'gate', step: 'phase_2', gate: gate({ title: 'rows of eval.parquet', expected: '>= 500', seen: '512' }) },
    {
      type: 'gate',
      step: 'phase_2',
      gate: gate({
        index: 1,
        type: 'distinct',
        title: 'colors of eval.parquet',
        status: 'failed',
        expected: '8 values, among them Green',
        seen: '7 of 8: missing Green',
        message,
        evidence: { distinct: 7, missing: ['Green'], seen },
      }),
    },
    {
      type: 'step.finished',
      step: 'phase_2',
      status: 'failed',
      exitCode: 0,
      seconds: 1710,
      reason: 'A gate did not hold.',
    },
    { type: 'job.finished', status: 'failed', reason: message, step: 'phase_2', seconds: 2210 },
  );
  await job.save({
    phase: 'done',
    outcome: 'failed',
    reason: message,
    podEnded: new Date().toISOString(),
    fetched: { time: new Date().toISOString(), files: 42, bytes: 318_000_000 },
  });
}
