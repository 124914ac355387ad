import assert from 'node:assert/strict';
import { explain, type Evidence, type FailureKind } from '../../../../src/core/guards/explain/index.ts';
import { failed, healthyLog, project, started, stepView } from './evidence.ts';

/** Lines as torch, transformers, huggingface_hub, the kernel and shells print them, and the kind each belongs to. */
const lines: [FailureKind, string, string[]][] = [
  [
    'cuda-memory',
    'torch 1.x',
    [
      'RuntimeError: CUDA out of memory. Tried to allocate 2.26 GiB (GPU 0; 6.00 GiB total capacity; 781.59 MiB already allocated; 3.03 GiB free; 1.24 GiB reserved in total by PyTorch)',
    ],
  ],
  [
    'cuda-memory',
    'torch 2.1',
    [
      'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 55.57 GiB. GPU 0 has a total capacty of 12.00 GiB of which 9.02 GiB is free. Of the allocated memory 984.52 MiB is allocated by PyTorch',
    ],
  ],
  [
    'cuda-memory',
    'torch 2.5',
    [
      '[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 22.78 GiB. GPU 0 has a total capacity of 31.47 GiB of which 12.73 GiB is free. Including non-PyTorch memory, this process has 18.73 GiB memory in use.',
    ],
  ],
  [
    'cuda-memory',
    'cuBLAS',
    ['RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`'],
  ],
  [
    'cuda-mismatch',
    '804',
    [
      'RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that might have already set an error? Error 804: forward compatibility was attempted on non supported HW',
    ],
  ],
  [
    'cuda-mismatch',
    'old driver',
    [
      'RuntimeError: The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by downloading and installing a new',
    ],
  ],
  [
    'cuda-mismatch',
    'insufficient',
    ['RuntimeError: CUDA error: CUDA driver version is insufficient for CUDA runtime version'],
  ],
  [
    'cuda-mismatch',
    'warning, then no GPU',
    [
      'UserWarning: CUDA initialization: The NVIDIA driver on your system is too old (found version 12020).',
      'RuntimeError: No CUDA GPUs are available',
    ],
  ],
  [
    'cuda-mismatch',
    'no kernels',
    [
      'NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.',
      'RuntimeError: CUDA error: no kernel image is available for execution on the device',
    ],
  ],
  ['no-gpu', 'none there', ['RuntimeError: No CUDA GPUs are available']],
  ['no-gpu', 'CPU build', ['AssertionError: Torch not compiled with CUDA enabled']],
  [
    'host-memory',
    'numpy',
    [
      'numpy._core._exceptions._ArrayMemoryError: Unable to allocate 29.8 GiB for an array with shape (4000000000,) and data type float64',
    ],
  ],
  [
    'host-memory',
    'torch on the CPU',
    [
      "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 400000000000 bytes. Error code 12 (Cannot allocate memory)",
    ],
  ],
  ['host-memory', 'data loader', ['RuntimeError: DataLoader worker (pid 1423) is killed by signal: Killed. ']],
  [
    'shared-memory',
    'bus error',
    [
      "RuntimeError: DataLoader worker (pid 46794) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory. Please try to raise your shared memory limit.",
    ],
  ],
  [
    'volume-full',
    'quota',
    ["OSError: [Errno 122] Disk quota exceeded: 'training/output/checkpoint-200/model.safetensors'"],
  ],
  [
    'volume-full',
    'a path on the volume',
    ["OSError: [Errno 28] No space left on device: '/workspace/projects/songs/out.bin'"],
  ],
  ['disk-full', 'a cache', ["OSError: [Errno 28] No space left on device: '/root/.cache/huggingface/hub/tmp_x'"]],
  [
    'disk-full',
    'safetensors',
    [
      'safetensors_rust.SafetensorError: Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: "No space left on device" })',
    ],
  ],
  ['nan-loss', 'a sentence', ['ValueError: The loss is nan at step 120']],
  ['nan-loss', 'anomaly detection', ["RuntimeError: Function 'MulBackward0' returned nan values in its 0th output."]],
  [
    'hugging-face',
    'gated',
    [
      'huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: Root=1-66f4b037)',
      'Cannot access gated repo for url https://huggingface.co/google/gemma-2-2b-it/resolve/main/config.json.',
      'Access to model google/gemma-2-2b-it is restricted. You must have access to it and be authenticated to access it. Please log in.',
    ],
  ],
  [
    'hugging-face',
    '404',
    [
      'huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error. (Request ID: Root=1-66f4b037)',
      'Repository Not Found for url: https://huggingface.co/api/models/micros0ft/deberta.',
    ],
  ],
  [
    'hugging-face',
    'not a model',
    [
      "OSError: micros0ft/deberta is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
    ],
  ],
  [
    'hugging-face',
    'cut',
    [
      "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='cdn-lfs.huggingface.co', port=443): Read timed out.",
    ],
  ],
  [
    'hugging-face',
    'short file',
    ['OSError: Consistency check failed: file should be of size 371146213 but has size 10485760 (model.safetensors).'],
  ],
  ['module-missing', 'import', ["ModuleNotFoundError: No module named 'sklearn.metrics'"]],
  ['module-missing', '-m', ['/usr/bin/python3: No module named lightning']],
  ['path-missing', 'open', ["FileNotFoundError: [Errno 2] No such file or directory: 'training/data/base.parquet'"]],
  ['path-missing', 'pyarrow', ['FileNotFoundError: ../data/train.parquet']],
  ['path-missing', 'pyarrow, absolute', ['FileNotFoundError: /workspace/projects/songs/data/train.parquet']],
  ['path-missing', 'arrow', ["OSError: Cannot open file 'data/train.arrow'"]],
  ['path-missing', 'polars', ['FileNotFoundError: No such file or directory (os error 2): data/train.parquet']],
  ['path-missing', 'safetensors', ['FileNotFoundError: No such file or directory: "out/model.safetensors"']],
  ['path-missing', 'numpy', ['FileNotFoundError: data/labels.csv not found.']],
  [
    'path-missing',
    'h5py',
    [
      "FileNotFoundError: [Errno 2] Unable to synchronously open file (unable to open file: name = 'data/x.h5', errno = 2, error message = 'No such file or directory', flags = 0, o_flags = 0)",
    ],
  ],
  [
    'path-missing',
    'datasets',
    ['datasets.exceptions.DataFilesNotFoundError: No (supported) data files found in data/songs'],
  ],
  ['path-missing', 'sound', ["soundfile.LibsndfileError: Error opening 'audio/a.wav': System error."]],
  [
    'path-missing',
    'duckdb',
    ['duckdb.duckdb.IOException: IO Error: No files found that match the pattern "data/*.parquet"'],
  ],
  ['volume-full', 'quota of a tool', ['cp: error writing out/ckpt.bin: Disk quota exceeded']],
  ['volume-full', 'quota in its own words', ['write failed: quota exceeded']],
  ['volume-full', 'a relative path', ["OSError: [Errno 28] No space left on device: 'out/ckpt.bin'"]],
  [
    'volume-full',
    'a relative path in the code',
    [
      'Traceback (most recent call last):',
      '  File "/workspace/projects/songs/train.py", line 4, in <module>',
      "    open('out/ckpt.bin', 'wb').write(bytes(20_000_000))",
      'OSError: [Errno 28] No space left on device',
    ],
  ],
  [
    'disk-full',
    'a temporary file in the code',
    [
      '  File "/workspace/projects/songs/train.py", line 4, in <module>',
      "    torch.save(state, '/tmp/state.pt')",
      'OSError: [Errno 28] No space left on device',
    ],
  ],
  ['no-gpu', 'Lightning', ['MisconfigurationException: No supported gpu backend found!']],
  ['no-gpu', 'transformers', ['ValueError: fp16 mixed precision requires a GPU (not cpu).']],
  [
    'no-gpu',
    'JAX',
    ["RuntimeError: Unknown backend: 'gpu' requested, but no platforms that are instances of gpu are present."],
  ],
  ['path-missing', 'shell', ['bash: line 1: ./prepare.sh: No such file or directory']],
  [
    'terminated',
    'torchrun',
    ['torch.distributed.elastic.multiprocessing.api.SignalException: Process 77 got signal: 15'],
  ],
];

const found = (evidence: Evidence) => explain(evidence)?.kind;

describe('the failure explainer (R7.4): what lines mean', () => {
  for (const [kind, title, log] of lines) {
    it(`${kind}: ${title}`, () => {
      const seen = explain(failed([...healthyLog, 'Traceback (most recent call last):', ...log]));
      assert.equal(seen?.kind, kind);
      assert.deepEqual(seen.resume, { from: 'train' });
      assert.ok(seen.evidence.length > 0 && seen.next !== '' && seen.why !== '');
    });
  }

  it('says nothing of healthy output, however the step ended', () => {
    assert.equal(explain(failed(healthyLog)), undefined);
    assert.equal(
      explain(failed([...healthyLog, 'Traceback (most recent call last):', 'ValueError: no color Green'])),
      undefined,
    );
    assert.equal(explain(failed([])), undefined);
  });

  it('says nothing of a job that runs, succeeded or was cancelled', () => {
    const evidence = failed(['torch.OutOfMemoryError: CUDA out of memory.']);
    for (const status of ['starting', 'running', 'succeeded', 'cancelled'] as const) {
      assert.equal(explain({ ...evidence, state: { ...evidence.state, status } }), undefined);
    }
  });

  it('does not blame what a step survived', () => {
    const oom = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.';
    assert.equal(
      found(failed([oom, 'trying with half the batch', "ModuleNotFoundError: No module named 'evaluate'"])),
      'module-missing',
    );
    assert.equal(found(failed([oom, 'trying with half the batch'], { exitCode: 0 })), undefined);
  });

  it('is done soon with hostile lines', () => {
    for (const piece of ['x', 'a/', 'loss is a ', 'huggingface.co/a', 'ImportError: ', "FileNotFoundError: '"]) {
      const log = Array.from({ length: 400 }, () => piece.repeat(8192 / piece.length));
      const began = performance.now();
      explain(failed(log));
      assert.ok(performance.now() - began < 3_000, piece);
    }
  });

  it('keeps evidence that a hostile log makes long', () => {
    const seen = explain(failed([`CUDA out of memory. ${'x'.repeat(9000)}`]));
    assert.ok((seen?.evidence[0]?.length ?? 0) <= 400);
  });
});

describe('the failure explainer (R7.4): the change to make', () => {
  const oom = [
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB of which 11.06 MiB is free.',
  ];
  const change = (step: Record<string, unknown>, more: Record<string, unknown> = {}, log = oom) =>
    explain(failed(log, { project: project(step, more), ...(more.profiles !== undefined && { profile: 'small' }) }))
      ?.change;

  it('halves the batch size where it stands: arguments, parameters, environment, command, profile', () => {
    const args = ['--epochs', '3', '--per_device_train_batch_size', '8', '--per_device_eval_batch_size', '16'];
    assert.deepEqual(change({ args }), {
      path: ['steps', 0, 'args', 3],
      from: '8',
      to: '4',
      text: 'Set --per_device_train_batch_size from 8 to 4.',
    });
    assert.deepEqual(change({ args: ['train.batch-size=6'] })?.to, 'train.batch-size=3');
    const notebook = { module: undefined, notebook: 'a.ipynb', parameters: { epochs: 2, batch_size: 32 } };
    assert.deepEqual([change(notebook)?.path, change(notebook)?.to], [['steps', 0, 'parameters', 'batch_size'], 16]);
    assert.deepEqual(change({ env: { EMBEDDING_BATCH: '256' } })?.path, ['steps', 0, 'env', 'EMBEDDING_BATCH']);
    assert.deepEqual(change({}, { env: { BATCH_SIZE: '5' } })?.to, '2');
    const shell = { module: undefined, shell: 'set -x; python t.py --lr 1e-4 --batch-size=8; echo done' };
    assert.equal(change(shell)?.to, 'set -x; python t.py --lr 1e-4 --batch-size=4; echo done');
    const profiles = { small: { env: { BATCH_SIZE: '64' } } };
    assert.deepEqual(change({}, { env: { BATCH_SIZE: '5' }, profiles })?.path, [
      'profiles',
      'small',
      'env',
      'BATCH_SIZE',
    ]);
  });

  it('names gradient accumulation where no batch size can be halved', () => {
    assert.equal(change({}), null);
    assert.match(explain(failed(oom))?.next ?? '', /double gradient accumulation/);
    assert.match(
      explain(failed(oom, { project: project({ args: ['--batch-size', '1'] }) }))?.next ?? '',
      /is 1 already/,
    );
    assert.equal(change({ args: ['--eval_batch_size', '8', '--num_batches', '100'] }), null);
  });

  it('tells the sizes that the message names', () => {
    assert.equal(explain(failed(oom))?.evidence[1], 'asked for 2.0 GiB, the GPU has 23.6 GiB, 11 MiB of it was free');
    const old = explain(failed([lines[0]?.[2][0] ?? '']))?.evidence[1];
    assert.equal(old, 'asked for 2.3 GiB, the GPU has 6.0 GiB, 3.0 GiB of it was free');
  });

  it('lowers the learning rate to a tenth of the value found', () => {
    const nan = ["{'loss': 1.2, 'learning_rate': 0.0003}", "{'loss': nan, 'learning_rate': 0.0003}"];
    assert.deepEqual(
      change({ args: ['--learning-rate', '3e-4'] }, {}, nan)?.to,
      '0.00003'.replace('0.00003', String(3e-5)),
    );
    assert.deepEqual(explain(failed(nan))?.change, {
      path: null,
      from: 0.0003,
      to: 0.00003,
      text: 'Lower the learning rate from 0.0003 to 0.00003 in the code.',
    });
  });

  it('asks for hosts whose driver fits the image, and for an image with kernels for the GPU', () => {
    const old = ['Error 804: forward compatibility was attempted on non supported HW'];
    const target = { image: 'runpod/pytorch:1.0.3-cu1300-torch291-ubuntu2404', minCuda: '12.8' };
    assert.deepEqual(change({}, { target }, old), {
      path: ['target', 'minCuda'],
      from: '12.8',
      to: '13.0',
      text: 'Set "target.minCuda" to "13.0", so that only hosts with a driver for the image\'s CUDA are rented.',
    });
    const foreign = ['RuntimeError: CUDA error: no kernel image is available for execution on the device'];
    const image = 'runpod/pytorch:2.4.0-py3.11-cuda12.4.1-devel-ubuntu22.04';
    assert.deepEqual(change({}, { target: { image } }, foreign)?.path, ['target', 'image']);
    assert.equal(change({}, {}, foreign), null);
  });

  it('changes no disk where nothing says which one is full', () => {
    const seen = explain(failed(['OSError: [Errno 28] No space left on device'], { volumeGb: 20 }));
    assert.equal(seen?.change, null);
    assert.match(seen.what, /the volume's or the container's/);
  });

  it('takes no quota of a service for that of the volume', () => {
    for (const line of [
      'google.api_core.exceptions.Forbidden: 403 Quota exceeded for quota metric',
      'openai.RateLimitError: Error code: 429 - You exceeded your current quota, API quota exceeded',
    ]) {
      assert.equal(explain(failed([line])), undefined, line);
    }
  });

  it('does not send a project without a GPU, or without a requirements file, to its requirements file', () => {
    const line = ['AssertionError: Torch not compiled with CUDA enabled'];
    const target = { gpus: undefined, cpu: { id: 'cpu5c', vcpuCount: 2 } };
    const onCpu = explain(failed(line, { project: project({}, { target }), events: [started({ gpus: [] })] }));
    assert.match(onCpu?.why ?? '', /asks for a pod without a GPU/);
    assert.match(onCpu?.next ?? '', /"target\.gpus" in place of "target\.cpu"/);
    assert.doesNotMatch(`${onCpu?.why} ${onCpu?.next}`, /requirements/);
    const onGpu = explain(failed(line));
    assert.match(onGpu?.what ?? '', /build without CUDA/);
    assert.doesNotMatch(`${onGpu?.why} ${onGpu?.next}`, /requirements file/);
    const named = project({}, { target: { requirements: 'deps/gpu.txt' } });
    assert.match(explain(failed(line, { project: named }))?.next ?? '', /Take torch out of deps\/gpu\.txt/);
  });

  it('says that a path with .. leads out of the project, and which one is meant', () => {
    const step = {
      module: undefined,
      notebook: 'notebooks/train.ipynb',
      parameters: { data: '../data/train.parquet' },
    };
    const seen = explain(
      failed(['FileNotFoundError: ../data/train.parquet'], {
        project: project(step),
        localNames: ['data', 'notebooks'],
      }),
    );
    assert.match(seen?.why ?? '', /also a notebook in a folder of its own, runs in the project folder/);
    assert.deepEqual(
      [seen?.change?.path, seen?.change?.to],
      [['steps', 0, 'parameters', 'data'], 'data/train.parquet'],
    );
  });

  it('makes the disk larger, and the volume outside the project file', () => {
    const disk = ["OSError: [Errno 28] No space left on device: '/tmp/x'"];
    assert.deepEqual([change({}, {}, disk)?.path, change({}, {}, disk)?.to], [['target', 'disk'], 80]);
    const volume = explain(failed(['OSError: [Errno 122] Disk quota exceeded'], { volumeGb: 20 }));
    assert.deepEqual([volume?.change?.path, volume?.change?.from, volume?.change?.to], [null, 20, 40]);
  });

  it('adds a package to the requirements, and a module of the project to what is uploaded', () => {
    const missing = ["ModuleNotFoundError: No module named 'cv2'"];
    assert.deepEqual(change({}, {}, missing)?.path, ['target', 'requirements']);
    const listed = explain(failed(missing, { project: project({}, { target: { requirements: 'req.txt' } }) }));
    assert.equal(listed?.next, 'Add "opencv-python-headless" to req.txt.');
    const own = explain(
      failed(["ModuleNotFoundError: No module named 'app.colors'"], { localNames: ['app', 'training'] }),
    );
    assert.deepEqual(own?.change?.to, ['training/', 'app/']);
  });

  it('gives a token to a step that has none, and names the page of the terms', () => {
    const gated = lines.find(([, title]) => title === 'gated')?.[2] ?? [];
    const seen = explain(failed(['Traceback (most recent call last):', ...gated]));
    assert.match(seen?.next ?? '', /https:\/\/huggingface\.co\/google\/gemma-2-2b-it,/);
    assert.deepEqual([seen?.change?.path, seen?.change?.to], [['steps', 0, 'secrets'], ['HF_TOKEN']]);
    assert.equal(change({ secrets: ['HF_TOKEN'] }, {}, ['Traceback (most recent call last):', ...gated]), null);
  });

  it('corrects the mount path, and knows paths of a laptop', () => {
    const wrong = ["FileNotFoundError: [Errno 2] No such file or directory: '/runpod-volume/data/a.jsonl'"];
    const step = { args: ['--data', '/runpod-volume/data/a.jsonl'] };
    assert.deepEqual(
      [change(step, {}, wrong)?.path, change(step, {}, wrong)?.to],
      [['steps', 0, 'args', 1], '/workspace/data/a.jsonl'],
    );
    const laptop = explain(
      failed(["FileNotFoundError: [Errno 2] No such file or directory: '/Users/me/data/a.jsonl'"]),
    );
    assert.match(laptop?.why ?? '', /path of another computer/);
  });
});

describe('the failure explainer (R7.4): what the worker and the API say', () => {
  it('knows the kernel killing for lack of memory from exit code, worker and notebook', () => {
    assert.equal(found(failed([], { exitCode: 137 })), 'host-memory');
    assert.equal(
      found(
        failed([], {
          exitCode: -9,
          step: {
            reason:
              'It was killed by SIGKILL, probably out of memory. Use less memory (a smaller batch, fewer workers).',
          },
        }),
      ),
      'host-memory',
    );
    assert.equal(
      found(
        failed([], {
          step: {
            reason:
              'The kernel died in cell 40 of 41: it was ended by SIGKILL, probably out of memory. The cells before it are in the executed copy.',
          },
        }),
      ),
      'host-memory',
    );
    const lost = failed([], {
      step: { status: 'running' },
      jobReason: 'The worker died without a word: the kernel killed it or its step for lack of memory.',
    });
    assert.equal(found({ ...lost, state: { ...lost.state, status: 'lost' }, events: [started()] }), 'host-memory');
    const change = explain(failed([], { exitCode: 137, project: project({ args: ['--num_workers', '8'] }) }))?.change;
    assert.equal(change?.to, '4');
  });

  it('knows the cap, and raises the tighter one', () => {
    const evidence = failed([], {
      step: { status: 'cancelled', reason: 'It was cancelled.' },
      jobReason: 'cap: the job reached its limit of 7200 seconds.',
      exitCode: 130,
      project: project({}, { caps: { hours: 2, dollars: 9 } }),
    });
    const seen = explain({ ...evidence, state: { ...evidence.state, status: 'cancelled' } });
    assert.equal(seen?.kind, 'cap');
    assert.deepEqual(seen.change, {
      path: ['caps', 'hours'],
      from: 2,
      to: 4,
      text: 'Raise the cap from 2 to 4 hours.',
    });
    assert.match(seen.what, /2 h .* 0 of 1 step done/);
  });

  it('knows a job that showed no life, with all witnesses', () => {
    const reason =
      'stalled: for 60 minutes the journal had no new line, its processes used no CPU, and the GPU was idle.';
    const evidence = failed(['waiting for lock'], {
      step: { status: 'cancelled', reason: 'It was cancelled.' },
      jobReason: reason,
      exitCode: 130,
      project: project({}, { caps: { stallMinutes: 60 } }),
    });
    const seen = explain({ ...evidence, state: { ...evidence.state, status: 'cancelled' } });
    assert.equal(seen?.kind, 'stalled');
    assert.deepEqual([seen.change?.path, seen.change?.to], [['caps', 'stallMinutes'], 120]);
    assert.deepEqual(seen.evidence, [reason.slice('stalled: '.length), 'last line: waiting for lock']);
  });

  it('knows a step that took too long, and doubles its limit', () => {
    const seen = explain(
      failed(['epoch 3'], {
        step: { status: 'timeout', reason: 'It took longer than its limit of 600 seconds.', cell: { at: 3, of: 9 } },
        exitCode: null,
        project: project({ timeoutMinutes: 10 }),
      }),
    );
    assert.equal(seen?.kind, 'step-timeout');
    assert.match(seen.what, /10 min, in cell 3 of 9/);
    assert.deepEqual([seen.change?.path, seen.change?.to], [['steps', 0, 'timeoutMinutes'], 20]);
    assert.ok(seen.evidence.includes('last line: epoch 3'));
  });

  const gate = (more: object) => ({
    index: 0,
    type: 'rows',
    title: 'rows of data/base.parquet',
    status: 'failed' as const,
    expected: '= 1327',
    seen: '1326',
    message: 'data/base.parquet has 1326 rows, expected 1327.',
    evidence: {},
    ...more,
  });

  it('knows a gate, and that a metric which is no number means the training diverged', () => {
    const rows = explain(failed(healthyLog, { exitCode: 0, step: { gates: [gate({})] } }));
    assert.equal(rows?.kind, 'gate');
    assert.deepEqual(rows.evidence, ['rows of data/base.parquet: seen 1326, expected = 1327']);
    const metric = gate({ type: 'metric', title: 'metric loss', seen: 'not finite', expected: '<= 1' });
    const nan = explain(failed([], { exitCode: 0, step: { gates: [metric], metrics: { loss: null } } }));
    assert.equal(nan?.kind, 'nan-loss');
  });

  it('knows the full volume from the worker', () => {
    const reason =
      'The volume cannot be written: No space left on device (it is full: delete something, or make it larger).';
    assert.equal(found(failed([], { step: { reason } })), 'volume-full');
  });

  it('knows no stock and no balance from refusals and from the record (R4.1)', () => {
    const none: Evidence = { state: { status: 'failed', steps: [] }, events: [], log: [] };
    const stock = explain({
      ...none,
      apiErrors: [{ code: 'no-stock', message: 'No machine is free in US-MD-1: tried RTX 4090.' }],
    });
    assert.deepEqual([stock?.kind, stock?.resume], ['no-stock', null]);
    const said =
      'No machine is free in US-MD-1: tried RTX 4090. RunPod says: There are no longer any instances available.';
    assert.equal(explain({ ...none, state: { ...none.state, reason: said } })?.kind, 'no-stock');
    const funds = 'Could not create the pod "rpt-x". The account balance is too low (HTTP 402).';
    assert.equal(explain({ ...none, state: { ...none.state, reason: funds }, balance: 0.01 })?.kind, 'no-balance');
    const empty: Evidence = {
      ...none,
      state: { status: 'unknown', steps: [] },
      pod: { status: 'gone', costPerHour: null },
    };
    assert.equal(explain({ ...empty, balance: -0.2 })?.kind, 'no-balance');
    assert.equal(explain({ ...empty, balance: 12 })?.kind, 'pod-gone');
  });

  it('knows a worker that vanished and a step that was ended from outside', () => {
    const view = stepView({ status: 'running', reason: undefined });
    const lost: Evidence = {
      state: {
        status: 'lost',
        reason: 'The worker died without a word (it was killed, or it crashed).',
        steps: [view],
        step: 'train',
      },
      events: [started()],
      log: healthyLog,
    };
    assert.deepEqual([found(lost), explain(lost)?.resume], ['pod-gone', { from: 'train' }]);
    assert.equal(found(failed([], { exitCode: -15, step: { reason: 'It was ended by SIGTERM.' } })), 'terminated');
  });
});
