import type { FailureKind } from '../../../../src/core/guards/explain/index.ts';

/** An ending that needs a GPU, several machines or the internet, so that it is written down here and not raised. */
export interface Written {
  name: string;
  kind: FailureKind | null;
  log: string[];
  exitCode?: number;
  /** What the sentence about it must hold. */
  says?: RegExp;
}

const traceback = (...last: string[]): string[] => [
  'Traceback (most recent call last):',
  '  File "/workspace/projects/songs/train.py", line 31, in <module>',
  '    trainer.train()',
  '  File "/usr/local/lib/python3.11/site-packages/transformers/trainer.py", line 2237, in train',
  '    return inner_training_loop(',
  '           ^^^^^^^^^^^^^^^^^^^^',
  ...last,
];
const rank = (n: number, lines: string[]): string[] => lines.map((line) => `[rank${n}]: ${line}`);
const oom =
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 3 has a total capacity of 79.10 GiB of which 1.06 GiB is free. Process 99 has 78.03 GiB memory in use.';
const watchdog =
  '[rank0]:[E1128 10:12:44.101 ProcessGroupNCCL.cpp:632] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=51, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=600000) ran for 600029 milliseconds before timing out.';
const childFailed = (of: number, code = '1'): string[] => [
  'E1128 10:12:50.101 123 torch/distributed/elastic/multiprocessing/api.py:869] failed (exitcode: 1) local_rank: 1 (pid: 88) of binary: /usr/bin/python3',
  'Traceback (most recent call last):',
  '  File "/usr/local/bin/torchrun", line 8, in <module>',
  '    sys.exit(main())',
  'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ',
  '============================================================',
  'train.py FAILED',
  '------------------------------------------------------------',
  'Failures:',
  '[1]:',
  '  time      : 2026-11-28_10:12:50',
  '  rank      : 0 (local_rank: 0)',
  '  exitcode  : -15 (pid: 87)  (SIGTERM)',
  '  traceback : Signal 15 (SIGTERM) received by PID 87',
  '------------------------------------------------------------',
  'Root Cause (first observed failure):',
  '[0]:',
  '  time      : 2026-11-28_10:12:50',
  `  rank      : ${of} (local_rank: ${of})`,
  `  exitcode  : ${code} (pid: 88)`,
  '  error_file: <N/A>',
  '  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html',
  '============================================================',
];

export const writtenEndings: Written[] = [
  { name: 'no memory on the GPU', kind: 'cuda-memory', log: traceback(oom), says: /79/ },
  {
    name: 'no memory on one GPU of several, the others lost it',
    kind: 'cuda-memory',
    log: [
      ...rank(3, traceback(oom)),
      ...rank(
        0,
        traceback(
          'torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:2251, remote process exited',
        ),
      ),
      ...rank(
        1,
        traceback('RuntimeError: [gloo/transport/tcp/pair.cc:534] Connection closed by peer [172.18.0.2]:4099'),
      ),
    ],
  },
  {
    name: 'torchrun names the rank that failed first',
    kind: 'key-missing',
    log: [
      ...rank(
        0,
        traceback('torch.distributed.DistBackendError: NCCL error: remote process exited or there was a network error'),
      ),
      ...rank(1, traceback("KeyError: 'label'")),
      ...childFailed(1),
    ],
    says: /label/,
  },
  {
    name: 'torchrun over an error of its own, with NCCL errors around it',
    kind: null,
    log: [
      ...rank(1, traceback('ValueError: no color Green')),
      ...rank(
        0,
        traceback('torch.distributed.DistBackendError: NCCL error: remote process exited or there was a network error'),
      ),
      ...childFailed(1),
    ],
  },
  {
    name: 'NCCL waited in vain',
    kind: 'distributed',
    exitCode: -6,
    log: [
      watchdog,
      "terminate called after throwing an instance of 'c10::DistBackendError'",
      '  what():  [PG ID 0 PG GUID 0(default_pg) Rank 0] Process group watchdog thread terminated with exception: [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=51, OpType=ALLREDUCE)',
      'Exception raised from checkTimeout at ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:632 (most recent call first):',
      'frame #0: c10::Error::Error(c10::SourceLocation, std::string) + 0x96 (0x7f0000000000 in libc10.so)',
      'frame #1: <unknown function> + 0xdbbf4 (0x7f0000000000 in libstdc++.so.6)',
    ],
    says: /waited in vain/,
  },
  {
    name: 'an unhandled CUDA error of NCCL',
    kind: 'distributed',
    log: rank(
      0,
      traceback(
        'torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:317, unhandled system error (run with NCCL_DEBUG=INFO for details), NCCL version 2.21.5',
        'ncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error. ',
      ),
    ),
  },
  {
    name: 'a device-side assertion',
    kind: 'tensors',
    log: traceback(
      'RuntimeError: CUDA error: device-side assert triggered',
      'CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.',
      'For debugging consider passing CUDA_LAUNCH_BLOCKING=1',
      'Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.',
    ),
    says: /label or an index/,
  },
  {
    name: 'tensors on two devices',
    kind: 'tensors',
    log: traceback(
      'RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!',
    ),
    says: /different devices/,
  },
  {
    name: 'flash-attn without torch in its build',
    kind: 'packages',
    log: [
      'Collecting flash-attn',
      '  Installing build dependencies: finished with status done',
      '  Getting requirements to build wheel: finished with status error',
      '  error: subprocess-exited-with-error',
      '  ',
      '  × Getting requirements to build wheel did not run successfully.',
      '  │ exit code: 1',
      '  ╰─> [20 lines of output]',
      '      Traceback (most recent call last):',
      '        File "<string>", line 22, in <module>',
      "      ModuleNotFoundError: No module named 'torch'",
      '      [end of output]',
      '  ',
      '  note: This error originates from a subprocess, and is likely not a problem with pip.',
      'error: subprocess-exited-with-error',
      '',
      '× Getting requirements to build wheel did not run successfully.',
      '│ exit code: 1',
      '╰─> See above for output.',
      '',
      'note: This error originates from a subprocess, and is likely not a problem with pip.',
    ],
    says: /could not build/,
  },
  {
    name: 'a wheel that does not build',
    kind: 'packages',
    log: [
      '  ERROR: Failed building wheel for bitsandbytes',
      'Failed to build bitsandbytes',
      'ERROR: Failed to build installable wheels for some pyproject.toml based projects (bitsandbytes)',
    ],
    says: /could not build bitsandbytes/,
  },
  {
    name: 'requirements that contradict each other',
    kind: 'packages',
    log: [
      'ERROR: Cannot install transformers==4.40.0 and tokenizers==0.21.0 because these package versions have conflicting dependencies.',
      '',
      'The conflict is caused by:',
      '    The user requested tokenizers==0.21.0',
      '    transformers 4.40.0 depends on tokenizers<0.20 and >=0.19',
      '',
      'To fix this you could try to:',
      "1. loosen the range of package versions you've specified",
      '2. remove package versions to allow pip to attempt to solve the dependency conflict',
      '',
      'ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/#dealing-with-dependency-conflicts',
    ],
    says: /contradict/,
  },
  {
    name: 'the wrong hash of a package',
    kind: 'packages',
    log: [
      'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.',
      '    six==1.16.0 from https://files.pythonhosted.org/packages/six-1.16.0.whl:',
      '        Expected sha256 aaaa',
      '             Got        bbbb',
    ],
  },
  {
    name: 'bitsandbytes that transformers asks for',
    kind: 'module-missing',
    log: traceback(
      'ImportError: Using `bitsandbytes` 4-bit quantization requires the latest version of bitsandbytes: `pip install -U bitsandbytes`',
    ),
    says: /package bitsandbytes /,
  },
  {
    name: 'flash-attn that was built for another torch',
    kind: 'package-mismatch',
    log: traceback(
      'ImportError: /usr/local/lib/python3.11/site-packages/flash_attn_2_cuda.cpython-311-x86_64-linux-gnu.so: undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationESs',
    ),
  },
  {
    name: 'NumPy 2 under what was built for NumPy 1',
    kind: 'package-mismatch',
    log: traceback(
      'ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject',
    ),
  },
  {
    name: 'a name that a module of the project lacks',
    kind: null,
    log: traceback(
      "ImportError: cannot import name 'Model' from 'training.model' (/workspace/projects/songs/training/model.py)",
    ),
  },
  {
    name: 'modules that import each other',
    kind: null,
    log: traceback(
      "ImportError: cannot import name 'a' from partially initialized module 'b' (most likely due to a circular import) (/workspace/projects/songs/b.py)",
    ),
  },
  {
    name: 'accelerate over no memory on the GPU',
    kind: 'cuda-memory',
    log: [
      ...traceback(oom),
      'Traceback (most recent call last):',
      '  File "/usr/local/bin/accelerate", line 8, in <module>',
      '    sys.exit(main())',
      '  File "/usr/local/lib/python3.11/site-packages/accelerate/commands/launch.py", line 763, in simple_launcher',
      '    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)',
      "subprocess.CalledProcessError: Command '['/usr/bin/python3', 'train.py', '--lr', '1e-4']' returned non-zero exit status 1.",
    ],
  },
  {
    name: 'papermill over a missing module, in colours',
    kind: 'module-missing',
    log: [
      'Executing:  40%|████      | 2/5 [00:03<00:04,  1.31s/cell]',
      'Traceback (most recent call last):',
      '  File "/usr/local/bin/papermill", line 8, in <module>',
      '    sys.exit(papermill())',
      'papermill.exceptions.PapermillExecutionError: ',
      '---------------------------------------------------------------------------',
      'Exception encountered at "In [2]":',
      '\u001b[0;31m---------------------------------------------------------------------------\u001b[0m',
      '\u001b[0;31mModuleNotFoundError\u001b[0m                       Traceback (most recent call last)',
      'Cell \u001b[0;32mIn[2], line 1\u001b[0m',
      '\u001b[0;32m----> 1\u001b[0m \u001b[38;5;28;01mimport\u001b[39;00m \u001b[38;5;21;01mseaborn\u001b[39;00m',
      '',
      "\u001b[0;31mModuleNotFoundError\u001b[0m: No module named 'seaborn'",
    ],
    says: /package seaborn /,
  },
  {
    name: 'wandb tells of its run after the error',
    kind: 'path-missing',
    log: [
      ...traceback("FileNotFoundError: [Errno 2] No such file or directory: 'data/val.jsonl'"),
      'wandb: ',
      'wandb: 🚀 View run smooth-sun-4 at: https://wandb.ai/me/songs/runs/abc',
      ...Array.from({ length: 20 }, (_, i) => `wandb:  train/loss_${i} 0.${i}`),
      'wandb: Find logs at: wandb/run-20261128_101244-abc/logs',
    ],
  },
  {
    name: 'a progress bar that was broken off',
    kind: 'path-missing',
    log: [
      ...traceback("FileNotFoundError: [Errno 2] No such file or directory: 'data/val.jsonl'"),
      '\r  3%|▎         | 30/1000 [00:10<05:23,  3.00it/s]',
    ],
  },
  {
    name: 'a picture that is not there',
    kind: 'path-missing',
    log: [
      "[ WARN:0@0.041] global loadsave.cpp:268 findDecoder imread_('images/1.png'): can't open/read file: check file path/integrity",
      ...traceback("AttributeError: 'NoneType' object has no attribute 'shape'"),
    ],
    says: /images\/1\.png/,
  },
  {
    name: 'the shell tells of what was killed',
    kind: 'host-memory',
    exitCode: 137,
    log: ['bash: line 1:   412 Killed                  python train.py'],
    says: /most likely/,
  },
  {
    name: 'the shell tells of a crash',
    kind: 'crashed',
    exitCode: 139,
    log: ['bash: line 1:   412 Segmentation fault      (core dumped) python train.py'],
  },
  {
    name: 'a data loader that ran out of shared memory',
    kind: 'shared-memory',
    log: traceback(
      'RuntimeError: DataLoader worker (pid 46794) is killed by signal: Bus error. It is possible that dataloader’s workers are out of shared memory. Please try to raise your shared memory limit.',
    ),
  },
  {
    name: 'requests, a name that is not known',
    kind: 'network',
    log: traceback(
      "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='data.example.org', port=443): Max retries exceeded with url: /a.zip (Caused by NameResolutionError(\"<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to resolve 'data.example.org' ([Errno -3] Temporary failure in name resolution)\"))",
    ),
    says: /name of the internet/,
  },
  {
    name: 'curl, a name that is not known',
    kind: 'network',
    exitCode: 6,
    log: ['curl: (6) Could not resolve host: data.example.org'],
  },
  {
    name: 'Hugging Face, too many requests',
    kind: 'hugging-face',
    log: traceback(
      'huggingface_hub.errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: https://huggingface.co/api/models/a/b',
    ),
  },
  {
    name: 'Hugging Face, gated, in the words of transformers',
    kind: 'hugging-face',
    log: [
      ...traceback(
        'huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: Root=1-66f4b037)',
        '',
        'Cannot access gated repo for url https://huggingface.co/google/gemma-2-2b-it/resolve/main/config.json.',
        'Access to model google/gemma-2-2b-it is restricted. You must have access to it and be authenticated to access it. Please log in.',
      ),
      '',
      'The above exception was the direct cause of the following exception:',
      '',
      ...traceback(
        'OSError: You are trying to access a gated repo.',
        'Make sure to have access to it at https://huggingface.co/google/gemma-2-2b-it.',
        '401 Client Error. (Request ID: Root=1-66f4b037)',
      ),
    ],
    says: /google\/gemma-2-2b-it is gated/,
  },
  {
    name: 'a model that the hub does not have',
    kind: 'hugging-face',
    log: traceback(
      'OSError: owner/model does not appear to have a file named pytorch_model.bin, model.safetensors or tf_model.h5.',
    ),
    says: /owner\/model at Hugging Face lacks a file/,
  },
  {
    name: 'a checkpoint with more than tensors',
    kind: 'data-unreadable',
    log: traceback(
      '_pickle.UnpicklingError: Weights only load failed. This file can still be loaded, to do so you have two options, do those steps only if you trust the source of the checkpoint. ',
      '\t(1) In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to `True`. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in arbitrary code execution.',
    ),
    says: /more than tensors/,
  },
  {
    name: 'click does not know an option',
    kind: 'usage',
    exitCode: 2,
    log: [
      'Usage: train.py [OPTIONS]',
      "Try 'train.py --help' for help.",
      '',
      'Error: No such option: --epoch Did you mean --epochs?',
    ],
  },
  // What follows must not be explained.
  {
    name: 'a quoted failure in an assertion',
    kind: null,
    log: traceback("AssertionError: the log must not hold 'Traceback', but holds 3 of them"),
  },
  {
    name: 'a traceback that was logged, after which the work went on',
    kind: null,
    log: [
      ...traceback(oom),
      ...Array.from({ length: 30 }, (_, i) => `wrote shard ${i} to out/`),
      'scores differ, giving up',
    ],
  },
  {
    name: 'a traceback that was logged, after which little was said',
    kind: null,
    log: [...traceback(oom), 'continuing with the CPU', 'accuracy: 0.2', 'too low, ending'],
  },
  {
    name: 'a quota of a service',
    kind: null,
    log: traceback('openai.RateLimitError: Error code: 429 - You exceeded your current quota, API quota exceeded'),
  },
  {
    name: 'a Java program',
    kind: null,
    log: ['Exception in thread "main" java.lang.IllegalStateException: no color', '\tat Main.main(Main.java:3)'],
  },
  {
    name: 'a Rust program',
    kind: null,
    log: [
      "thread 'main' panicked at src/main.rs:3:5:",
      'no color',
      'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace',
    ],
  },
  {
    name: 'a test suite',
    kind: null,
    log: ['FAILED tests/test_a.py::test_colors - assert 1 == 2', '1 failed, 30 passed in 2.11s'],
  },
  {
    name: 'a compiler',
    kind: null,
    log: ["main.c:3:5: error: expected ';' before 'return'", 'make: *** [Makefile:2: main] Error 1'],
  },
  { name: 'a linter', kind: null, log: ['train.py:1:8: F401 `os` imported but unused', 'Found 1 error.'] },
  { name: 'a key of a number', kind: null, log: traceback('KeyError: 3') },
  {
    name: 'an index of a tensor',
    kind: null,
    log: traceback('IndexError: too many indices for tensor of dimension 1'),
  },
  {
    name: 'a setting that the trainer does not know',
    kind: null,
    log: traceback("TypeError: TrainingArguments.__init__() got an unexpected keyword argument 'evaluation_strategy'"),
  },
  { name: 'a database', kind: null, log: traceback('sqlite3.OperationalError: no such table: songs') },
  {
    name: 'warnings only',
    kind: null,
    log: ['UserWarning: CUDA is not available or torch_xla is imported, disabling autocast', '  warnings.warn('],
  },
  { name: 'a message in another language', kind: null, log: traceback('ValueError: Farbe Grün fehlt – Abbruch 🎨') },
  { name: 'a traceback that was cut off', kind: null, log: traceback() },
];
