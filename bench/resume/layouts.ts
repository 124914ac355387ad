/**
 * Ordinary ways to lay out a training project. The steps only touch what real ones would: what is measured is whether a
 * change is noticed, not what it does.
 */
export interface Layout {
  name: string;
  /** Contents by path. */
  files: Record<string, string>;
  /** Links by path: to a folder beside the project, which gets these files. */
  linked?: Record<string, Record<string, string>>;
  steps: Record<string, unknown>[];
  /** Patterns of `sync.data`. */
  data?: string[];
  /** What is changed one after the other, and the steps that may see it: these must run, all others be skipped. */
  changes: Record<string, string[]>;
}

const rows = { 'data/rows.csv': 'a,b\n1,2\n' };
const inputs = ['data/*.csv'];
const script = (name: string, path: string, more: object = {}): Record<string, unknown> => ({
  ...{ name, script: path, inputs },
  ...more,
});
const shell = (name: string, command: string, more: object = {}): Record<string, unknown> => ({
  ...{ name, shell: command, inputs },
  ...more,
});
const notebook = (name: string, path: string, more: object = {}): Record<string, unknown> => ({
  ...{ name, notebook: path, inputs },
  ...more,
});

function cells(...sources: string[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: sources.map((source, i) => ({
      ...{ cell_type: 'code', id: `c${i}`, metadata: {}, outputs: [], execution_count: null },
      source,
    })),
  });
}

/** A project of two steps in which the package is seen by both, and each entry file by its own step alone. */
function twoScripts(name: string, entries: [string, string], shared: Record<string, string>): Layout {
  const [first, second] = entries;
  return {
    name,
    files: { ...rows, [first]: 'print("first")\n', [second]: 'print("second")\n', ...shared },
    steps: [script('prepare', first), script('train', second)],
    data: ['data/**'],
    changes: {
      ...Object.fromEntries(Object.keys(shared).map((path) => [path, ['prepare', 'train']])),
      'data/rows.csv': ['prepare', 'train'],
      [first]: ['prepare'],
      [second]: ['train'],
    },
  };
}

export const layouts: Layout[] = [
  twoScripts('flat scripts and a module', ['prepare.py', 'train.py'], { 'common.py': 'X = 1\n' }),
  twoScripts('src layout with sys.path', ['prepare.py', 'train.py'], {
    'src/model.py': 'import layers\n',
    'src/layers.py': 'N = 1\n',
    'path.py': 'import sys\nsys.path.insert(0, "src")\n',
  }),
  twoScripts('hydra configs', ['prepare.py', 'train.py'], {
    'conf/config.yaml': 'defaults:\n  - model: small\n',
    'conf/model/small.yaml': 'width: 8\n',
    'conf/model/large.yaml': 'width: 800\n',
  }),
  twoScripts('registry of plugins by name', ['prepare.py', 'train.py'], {
    'models/__init__.py': '',
    'models/resnet.py': 'class Net: pass\n',
    'registry.py': 'import importlib\ndef get(name):\n    return importlib.import_module(f"models.{name}")\n',
  }),
  twoScripts('editable install', ['scripts/prepare.py', 'scripts/train.py'], {
    'pyproject.toml': '[project]\nname = "mine"\nversion = "0.1"\n',
    'src/mine/__init__.py': '',
    'src/mine/core.py': 'Y = 2\n',
    'setup.cfg': '[options]\npackage_dir =\n  = src\n',
  }),
  twoScripts('C extension', ['prepare.py', 'train.py'], {
    'csrc/op.cpp': 'int op() { return 1; }\n',
    'csrc/op.cu': '__global__ void op() {}\n',
    'fast.pyx': 'def f(): return 1\n',
    'setup.py': 'print("build")\n',
  }),
  twoScripts('templates and vocabularies', ['prepare.py', 'train.py'], {
    'templates/chat.jinja': '{{ text }}\n',
    'vocab.txt': 'a\nb\n',
    'labels.json': '["a"]\n',
    'schema.sql': 'select 1\n',
  }),
  {
    name: 'launcher scripts',
    files: {
      ...rows,
      'scripts/prepare.sh': 'set -e\npython3 prepare.py\n',
      'scripts/train.sh': 'set -e\ncd work && python3 ../train.py --config ../conf.yaml\n',
      'work/keep.txt': '',
      'prepare.py': 'print(1)\n',
      'train.py': 'print(2)\n',
      'conf.yaml': 'lr: 1\n',
    },
    steps: [shell('prepare', 'bash scripts/prepare.sh'), shell('train', 'bash scripts/train.sh')],
    data: ['data/**'],
    changes: {
      'scripts/prepare.sh': ['prepare', 'train'],
      'prepare.py': ['prepare', 'train'],
      'conf.yaml': ['prepare', 'train'],
      'data/rows.csv': ['prepare', 'train'],
    },
  },
  {
    name: 'modules of a package',
    files: {
      ...rows,
      'app/__init__.py': '',
      'app/prepare.py': 'from app import shared\n',
      'app/train.py': 'from app import shared\n',
      'app/shared.py': 'Z = 1\n',
    },
    steps: [
      { name: 'prepare', module: 'app.prepare', inputs },
      { name: 'train', module: 'app.train', inputs },
    ],
    data: ['data/**'],
    changes: {
      'app/shared.py': ['prepare', 'train'],
      'app/prepare.py': ['prepare'],
      'app/train.py': ['train'],
    },
  },
  {
    name: 'notebooks with %run',
    files: {
      ...rows,
      'nb/prepare.ipynb': cells('%run setup_paths.py', 'print(1)'),
      'nb/train.ipynb': cells('import helpers', 'print(2)'),
      'setup_paths.py': 'import sys\n',
      'helpers.py': 'H = 1\n',
    },
    steps: [notebook('prepare', 'nb/prepare.ipynb'), notebook('train', 'nb/train.ipynb')],
    data: ['data/**'],
    changes: {
      'helpers.py': ['prepare', 'train'],
      'nb/prepare.ipynb': ['prepare'],
      'nb/train.ipynb': ['train'],
    },
  },
  {
    name: 'notebooks with sys.path and drafts beside them',
    files: {
      ...rows,
      '1_prepare.ipynb': cells('import sys; sys.path.append("lib")', 'import deep'),
      '2_report.ipynb': cells('print("report")'),
      'draft.ipynb': cells('print("draft")'),
      'lib/deep.py': 'D = 1\n',
    },
    steps: [notebook('prepare', '1_prepare.ipynb'), notebook('report', '2_report.ipynb')],
    data: ['data/**'],
    changes: {
      'lib/deep.py': ['prepare', 'report'],
      'draft.ipynb': [],
      '2_report.ipynb': ['report'],
    },
  },
  {
    name: 'a step that starts another one by its file',
    files: { ...rows, 'all.py': 'import subprocess\nsubprocess.run(["true", "train.py"])\n', 'train.py': 'print(1)\n' },
    steps: [script('all', 'all.py'), script('train', 'train.py')],
    data: ['data/**'],
    changes: { 'train.py': ['all', 'train'], 'all.py': ['all'] },
  },
  {
    name: 'a step that imports another one',
    files: { ...rows, 'prepare.py': 'import train\n', 'train.py': 'V = 1\n' },
    steps: [script('prepare', 'prepare.py'), script('train', 'train.py')],
    data: ['data/**'],
    changes: { 'train.py': ['prepare', 'train'] },
  },
  {
    name: 'data in linked folders',
    files: { 'train.py': 'print(1)\n' },
    linked: { shared: { 'part/rows.csv': 'a\n1\n' } },
    steps: [script('train', 'train.py', { inputs: ['shared/**'] })],
    changes: { 'shared/part/rows.csv': ['train'], 'train.py': ['train'] },
  },
  {
    name: 'a configuration that the command names',
    files: { ...rows, 'train.py': 'print(1)\n', 'runs/exp1.toml': 'a = 1\n', 'runs/exp2.toml': 'a = 2\n' },
    steps: [script('train', 'train.py', { args: ['--config', 'runs/exp1.toml'] })],
    data: ['data/**'],
    changes: { 'runs/exp1.toml': ['train'] },
  },
  {
    name: 'code narrowed by patterns',
    files: {
      ...rows,
      'train.py': 'from core import net\n',
      'core/__init__.py': '',
      'core/net.py': '',
      'web/app.js': '1;\n',
    },
    steps: [script('train', 'train.py', { code: ['core/**'] })],
    data: ['data/**'],
    changes: { 'core/net.py': ['train'], 'web/app.js': [] },
  },
  {
    name: 'what one step makes for the next',
    files: {
      ...rows,
      'prepare.py':
        'import os\nos.makedirs("out", exist_ok=True)\nopen("out/t.txt", "w").write(open("data/rows.csv").read())\n',
      'train.py': 'open("out/t.txt").read()\n',
    },
    steps: [
      script('prepare', 'prepare.py', { outputs: ['out/*'] }),
      script('train', 'train.py', { inputs: ['out/*'] }),
    ],
    data: ['data/**'],
    changes: { 'data/rows.csv': ['prepare', 'train'], 'train.py': ['train'] },
  },
  {
    name: 'steps in order without inputs',
    files: { ...rows, 'a.py': 'print(1)\n', 'b.py': 'print(2)\n', 'lib.py': '' },
    steps: [
      { name: 'a', script: 'a.py' },
      { name: 'b', script: 'b.py' },
    ],
    changes: { 'lib.py': ['a', 'b'], 'a.py': ['a', 'b'], 'b.py': ['b'] },
  },
  {
    name: 'prompts that a document format holds',
    files: {
      ...rows,
      'train.py': 'open("prompts/system.md").read()\n',
      'prompts/system.md': 'Be brief.\n',
      'NOTES.md': 'n\n',
    },
    steps: [script('train', 'train.py')],
    data: ['data/**'],
    changes: { 'prompts/system.md': ['train'], 'NOTES.md': [] },
  },
  {
    name: 'make as the launcher',
    files: { ...rows, Makefile: 'all:\n\ttrue\n', 'tools/step.py': 'print(1)\n' },
    steps: [shell('train', 'test -f Makefile')],
    data: ['data/**'],
    changes: { Makefile: ['train'], 'tools/step.py': ['train'] },
  },
  // Shaped after the trees of public repositories: names of folders and files, none of their contents.
  twoScripts('as nanoGPT', ['data/shakespeare/prepare.py', 'train.py'], {
    'model.py': '',
    'configurator.py': '',
    'config/train_gpt2.py': 'batch = 1\n',
  }),
  twoScripts('as lightning-hydra-template', ['src/eval.py', 'src/train.py'], {
    'configs/train.yaml': 'a: 1\n',
    'configs/callbacks/default.yaml': 'b: 1\n',
    'src/models/mnist_module.py': '',
    'src/utils/instantiators.py': '',
  }),
  twoScripts('as open_clip', ['scripts/make_shards.py', 'src/open_clip_train/main.py'], {
    'src/open_clip/model_configs/ViT-B-32.json': '{}\n',
    'src/open_clip/model.py': '',
    'src/open_clip/factory.py': '',
  }),
  twoScripts('as detectron2', ['tools/analyze_model.py', 'tools/train_net.py'], {
    'configs/Base-RCNN-FPN.yaml': 'x: 1\n',
    'detectron2/engine/defaults.py': '',
    'detectron2/layers/csrc/vision.cpp': 'int x;\n',
  }),
  twoScripts('as timm', ['validate.py', 'train.py'], {
    'timm/models/resnet.py': '',
    'timm/data/_info/imagenet_synsets.txt': 'n0\n',
    'distributed_train.sh': 'echo 1\n',
  }),
  twoScripts('as whisper fine-tunes', ['prepare_features.py', 'run_speech.py'], {
    'whisper/assets/gpt2.tiktoken': 'a 1\n',
    'whisper/normalizers/english.json': '{}\n',
    'ds_config.json': '{}\n',
  }),
  twoScripts('as yolov5', ['utils/autoanchor.py', 'train.py'], {
    'models/yolov5s.yaml': 'nc: 80\n',
    'data/hyps/hyp.scratch-low.yaml': 'lr0: 0.01\n',
    'utils/general.py': '',
  }),
  twoScripts('as litgpt', ['extensions/thunder/prepare.py', 'litgpt/finetune/lora.py'], {
    'config_hub/finetune/tiny/lora.yaml': 'a: 1\n',
    'litgpt/model.py': '',
    'litgpt/__main__.py': '',
  }),
  twoScripts('as cookiecutter-data-science', ['mine/dataset.py', 'mine/modeling/train.py'], {
    'mine/config.py': '',
    'mine/features.py': '',
    'params.yaml': 'a: 1\n',
  }),
  twoScripts('as axolotl', ['scripts/prepare.py', 'src/axolotl/cli/train.py'], {
    'examples/llama-3/lora.yml': 'a: 1\n',
    'src/axolotl/utils/data.py': '',
    'deepspeed_configs/zero2.json': '{}\n',
  }),
];
