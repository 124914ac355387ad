import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { preflight, type Finding } from '../../../../src/core/guards/preflight/index.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { Account } from '../../../support/account.ts';
import { writeTree } from '../../../support/files.ts';
import { notebook } from './project.ts';

type Files = Record<string, string | Buffer>;

interface Case {
  files: Files;
  must: string[];
  steps: Record<string, unknown>[];
  target?: Record<string, unknown>;
  fetch?: string[];
  env?: Record<string, string>;
  never?: string[];
}

let root = '';
let account: Account;

/** What preflight says about a project with these files: findings of code, files, notebooks and requirements. */
async function findingsOf({
  files,
  must,
  steps,
  target = {},
  fetch = [],
  env = {},
  never = [],
}: Case): Promise<Finding[]> {
  await rm(root, { recursive: true, force: true });
  await writeTree(root, files);
  const project = {
    version: 1,
    name: 'refs',
    target: {
      volume: { name: 'v', dataCenter: 'US-MD-1', size: 20 },
      cpu: { id: 'cpu5c', vcpuCount: 2 },
      image: 'runpod/base:1.0.2-ubuntu2404',
      ...target,
    },
    sync: { must, never },
    env,
    steps,
    onFinish: { fetch },
    caps: { hours: 1 },
  };
  const file = path.join(root, 'refs.runpod.json');
  await writeFile(file, JSON.stringify(project));
  const report = await preflight(account.installation, await loadProject(file), { secret: () => undefined });
  const asked = ['upload', 'order', 'files', 'outputs', 'step-files', 'notebooks', 'code', 'imports', 'requirements'];
  return report.checks.filter((c) => asked.includes(c.id)).flatMap((c) => c.findings);
}

const told = (findings: Finding[]): [string, string][] => findings.map((f) => [f.severity, f.id]);
const textOf = (findings: Finding[]): string => findings.map((f) => f.what).join('\n');

describe('what a project refers to is followed before money is spent (R4.1, R2.2)', () => {
  before(async () => {
    root = path.join(await realpath(await mkdtemp(path.join(tmpdir(), 'runpod-trainer-test-'))), 'p');
    account = await Account.open();
  });
  after(async () => {
    await account.close();
    await rm(path.dirname(root), { recursive: true, force: true });
  });

  describe('code of shell steps and %run', () => {
    const files = {
      'train.py': 'import helper\n',
      'helper.py': 'x = 1\n',
      'configs/a.yaml': 'a: 1\n',
      'run.sh': 'set -e\npython train.py\n',
      'pkg/__init__.py': '',
      'pkg/train.py': 'import pkg.more\n',
      'pkg/more.py': '',
      'a.ipynb': notebook(['%run helper.py']),
      'b.ipynb': notebook(['1']),
      'none.txt': 'x',
    };
    const commands = [
      'python3 train.py --config configs/a.yaml',
      'accelerate launch --num_processes 2 train.py --config configs/a.yaml',
      'torchrun --nproc_per_node=2 train.py --config=configs/a.yaml',
      'deepspeed --num_gpus 2 train.py --deepspeed_config configs/a.yaml',
      'export A=1; uv run train.py --config configs/a.yaml',
      'pip install x && OMP_NUM_THREADS=1 python -m torch.distributed.run train.py -c configs/a.yaml',
    ];
    for (const shell of commands) {
      it(shell, async () => {
        const findings = await findingsOf({ files, must: ['none.txt'], steps: [{ name: 's', shell }] });
        assert.deepEqual(told(findings), [
          ['error', 'step-not-uploaded'],
          ['warning', 'file-not-uploaded'],
          ['error', 'import-not-uploaded'],
        ]);
        assert.match(textOf(findings), /train\.py[^]*configs\/a\.yaml[^]*helper\.py/);
        const sound = await findingsOf({
          files,
          must: ['train.py', 'helper.py', 'configs/'],
          steps: [{ name: 's', shell }],
        });
        assert.deepEqual(told(sound), []);
      });
    }

    it('a module, a shell script and what is in it, a notebook', async () => {
      const module = await findingsOf({
        files,
        must: ['none.txt'],
        steps: [{ name: 's', shell: 'python -m pkg.train' }],
      });
      assert.match(textOf(module), /pkg\/train\.py[^]*pkg\/more\.py/);
      const script = await findingsOf({ files, must: ['none.txt'], steps: [{ name: 's', shell: 'bash run.sh' }] });
      assert.match(textOf(script), /run\.sh[^]*train\.py[^]*helper\.py/);
      const run = await findingsOf({ files, must: ['a.ipynb'], steps: [{ name: 's', notebook: 'a.ipynb' }] });
      assert.deepEqual(told(run), [['error', 'step-not-uploaded']]);
      assert.match(textOf(run), /helper\.py \(a\.ipynb, code cell 1, line 1\)/);
    });

    it('nothing that may be made there, left out on purpose or never run is refused', async () => {
      for (const shell of [
        'if [ -f train.py ]; then python train.py; fi',
        'python train.py || true',
        'git clone https://example.org/x .; python train.py',
        'test -e train.py && python train.py',
        'set +e; python train.py',
        'cd /elsewhere; python train.py',
        'python "$SCRIPT"',
        'f() { python train.py; }; true',
        'exit 0; python train.py',
      ]) {
        const findings = await findingsOf({ files, must: ['none.txt'], steps: [{ name: 's', shell }] });
        assert.deepEqual(
          findings.filter((f) => f.severity === 'error'),
          [],
          shell,
        );
      }
      const made = await findingsOf({
        files,
        must: ['none.txt'],
        steps: [
          { name: 'a', shell: 'curl -o other.py https://example.org/t', outputs: ['other.py'] },
          { name: 'b', shell: 'cat > new.py <<E\nprint(1)\nE\npython new.py; python other.py' },
        ],
      });
      assert.deepEqual(told(made), []);
    });

    it('what is nowhere is told, as a warning', async () => {
      const findings = await findingsOf({
        files,
        must: ['none.txt'],
        steps: [{ name: 's', shell: 'python trian.py' }],
      });
      assert.deepEqual(told(findings), [['warning', 'start-missing']]);
      assert.match(textOf(findings), /trian\.py/);
    });

    it('the line ends of Windows in a script', async () => {
      const windows = { ...files, 'run.sh': 'echo a\r\n' };
      const findings = await findingsOf({
        files: windows,
        must: ['run.sh'],
        steps: [{ name: 's', shell: './run.sh' }],
      });
      assert.deepEqual(told(findings), [['warning', 'script-line-ends']]);
    });

    it('options that the parser of a script does not have', async () => {
      const parser = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\np.parse_args()\n";
      const steps = [{ name: 's', script: 'train.py', args: ['--rl', '1'] }];
      const findings = await findingsOf({ files: { 'train.py': parser }, must: ['train.py'], steps });
      assert.deepEqual(told(findings), [['warning', 'argument-unknown']]);
      assert.equal(findings[0]?.next, 'Did you mean --lr?');
    });
  });

  describe('requirements files', () => {
    const steps = [{ name: 's', shell: 'true' }];
    const target = { requirements: 'requirements.txt' };
    const look = (files: Files, must = ['requirements.txt']) => findingsOf({ files, must, steps, target });

    it('what pip takes is not refused', async () => {
      const wheel = 'wheels/x-1.0-py3-none-any.whl';
      const sound: [Files, string[]?][] = [
        [{ 'requirements.txt': 'numpy==1.26.4 ; python_version < "3.12"\nnumpy==2.1.0 ; python_version >= "3.12"\n' }],
        [{ 'requirements.txt': Buffer.from('\ufeffnumpy\r\nsafetensors\r\n', 'utf16le') }],
        [{ 'requirements.txt': '\ufeffnumpy\n' }],
        [{ 'requirements.txt': '# -*- coding: latin-1 -*-\n# \u00e9\nnumpy\n' }],
        [{ 'requirements.txt': `${wheel}\n`, [wheel]: 'x' }, ['requirements.txt', 'wheels/']],
        [{ 'requirements.txt': 'x==1.0\nX[a]==1.0.0\nt==2.1.0\nt==2.1.0+cu118\n' }],
        [{ 'requirements.txt': "pywin32==1; sys_platform == 'win32'\npywin32==2; sys_platform == 'win32'\n" }],
        [
          {
            'requirements.txt': 'lib @ https://example.org/lib-1.0-py3-none-any.whl\n-i https://example.org/simple\n',
          },
        ],
        [{ 'requirements.txt': '-e .\n', 'setup.py': '' }, ['requirements.txt', 'setup.py']],
        [{ 'requirements.txt': '-e /workspace/shared/lib\n/opt/x.whl\n' }],
        [{ 'requirements.txt': 'a==1 \\\n  --hash=sha256:00\n' }],
      ];
      for (const [files, must] of sound) {
        const errors = (await look(files, must)).filter((f) => f.severity === 'error');
        assert.deepEqual(
          errors.filter((f) => !/Cannot be opened|hash/.test(f.what)),
          [],
          files['requirements.txt']?.toString(),
        );
      }
    });

    it('what pip refuses is an error with its place', async () => {
      const broken: [Files, RegExp, string[]?][] = [
        [{ 'requirements.txt': 'ok\nfoo = 1\n' }, /requirements\.txt, line 2/],
        [{ 'requirements.txt': '--no-such-option\n' }, /line 1/],
        [{ 'requirements.txt': Buffer.from('# caf\xe9\n', 'latin1') }, /not text that pip can read/],
        [{ 'requirements.txt': '-r requirements.txt\n' }, /line 1 includes requirements\.txt, which includes it again/],
        [
          { 'requirements.txt': '-r a/b.txt\n', 'a/b.txt': 'x\n-r gone.txt\n' },
          /a\/b\.txt, line 2 includes a\/gone\.txt, which does not exist/,
          ['requirements.txt', 'a/'],
        ],
        [{ 'requirements.txt': '-r a/b.txt\n', 'a/b.txt': 'x\n' }, /a\/b\.txt, which "sync" does not upload/],
        [{ 'requirements.txt': '-c limits.txt\n', 'limits.txt': 'x<3\n' }, /limits\.txt, which "sync" does not upload/],
        [{ 'requirements.txt': './wheels/x-1.0-py3-none-any.whl\n' }, /which does not exist/],
        [{ 'requirements.txt': '-e .\n', 'setup.py': '' }, /line 1 needs setup\.py, which "sync" does not upload/],
        [{ 'requirements.txt': './lib\n', 'lib/a.py': '' }, /not installable/, ['requirements.txt', 'lib/']],
        [{ 'requirements.txt': 'x>=2\nx==1\n' }, /x==1/],
        [{ 'requirements.txt': '-c c.txt\nx==1\n', 'c.txt': 'x==2\n' }, /x==1/, ['requirements.txt', 'c.txt']],
      ];
      for (const [files, words, must] of broken) {
        const errors = (await look(files, must)).filter((f) => f.severity === 'error');
        assert.match(textOf(errors), words, `${JSON.stringify(files)}: ${textOf(errors)}`);
      }
    });
  });

  it('variables of requirements are what the pod will have, not what this machine has (issue of pip: left as they are)', async () => {
    process.env['ONLY_HERE_X'] = '1.0';
    const text =
      'a==${GIVEN}\nb @ https://me:${TOKEN_X}@x.org/b.whl\nc==${ONLY_HERE_X}\n--extra-index-url https://${WHO}@x.org/s\n';
    const look = (image: string) =>
      findingsOf({
        files: { 'requirements.txt': text },
        must: ['requirements.txt'],
        steps: [{ name: 's', shell: 'true', secrets: ['TOKEN_X'] }],
        target: { requirements: 'requirements.txt', image },
        env: { GIVEN: '1.0' },
      });
    try {
      const found = await look('runpod/base:1.0.2-ubuntu2404');
      assert.deepEqual(told(found), [
        ['error', 'requirements-variable'],
        ['warning', 'requirements-variable'],
      ]);
      assert.match(textOf(found), /line 3 names the variable ONLY_HERE_X, which the pod does not have/);
      assert.match(textOf(found), /line 4 names the variable WHO/);
      assert.match(found[0]!.next, /"env".*"secrets"/);
      // Such an image may set them.
      assert.deepEqual(new Set((await look('me/own:1')).map(({ severity }) => severity)), new Set(['warning']));
    } finally {
      delete process.env['ONLY_HERE_X'];
    }
  });

  it('what leaves a file out is named: the rule with its file and line, or that no list names it', async () => {
    const look = async (ignore: Files, never: string[], must = ['*.py', '*.yaml', 'r.txt']) => {
      const found = await findingsOf({
        files: { 'train.py': 'import helper\n', 'helper.py': '', 'conf/a.yaml': 'a: 1\n', 'r.txt': 'six\n', ...ignore },
        must,
        never,
        steps: [
          { name: 'a', script: 'train.py' },
          { name: 'b', shell: 'python3 train.py --config conf/a.yaml' },
        ],
        target: { requirements: 'r.txt' },
      });
      return found.map(({ what, why, next }) => `${what} ${why} ${next}`);
    };
    const ignored = await look({ '.runpodignore': '# x\n\n*.py\nconf\n', 'sub/.runpodignore': '*' }, []);
    for (const file of ['train.py', 'helper.py', '"\\*.py"']) {
      const said = ignored.filter((text) => new RegExp(`(?<!/)${file}`).test(text));
      assert(said.length > 0, file);
      for (const text of said) {
        assert.match(text, /the rule "\*\.py" in line 3 of \.runpodignore/);
        assert.doesNotMatch(text, /never/);
      }
    }
    assert(
      ignored.some((text) =>
        /conf\/a\.yaml.*, which the rule "conf" in line 4 of \.runpodignore leaves out/.test(text),
      ),
    );
    const never = await look({}, ['train.py', 'conf/', 'r.txt']);
    for (const rule of ['train.py', 'conf/', 'r.txt']) {
      assert(
        never.some((text) => text.includes(`the rule "${rule}" of "sync.never"`)),
        `${rule} ${never.join('\n')}`,
      );
    }
    const none = await look({}, [], ['r.txt']);
    assert(none.some((text) => /train\.py on the pod, which "sync" does not upload/.test(text)));
    assert(none.every((text) => !text.includes('rule')));
    const kept = await findingsOf({
      files: { '.git/hook.py': 'x = 1\n' },
      must: [],
      steps: [{ name: 'a', script: '.git/hook.py' }],
    });
    assert.match(textOf(kept), /which the rule "\.git\/" of what is never uploaded leaves out/);
  });

  it('a place has each of its problems once', async () => {
    const found = await findingsOf({
      files: {
        'r.txt': '-r a.txt\n-r b.txt\n',
        'a.txt': '-r c.txt\n',
        'b.txt': '-r c.txt\n',
        'c.txt': 'x==${NO}\n./gone.whl\n',
      },
      must: ['r.txt', 'gone/'],
      steps: [
        {
          name: 'a',
          script: 'no.py',
          gates: [
            { type: 'script', script: 'g.py' },
            { type: 'script', script: 'g.py' },
          ],
        },
        { name: 'b', shell: 'python3 a.py && python3 a.py' },
      ],
      target: { requirements: 'r.txt' },
    });
    const places = found.map(({ what, at }) => `${what} ${JSON.stringify(at)}`);
    assert.deepEqual(places, [...new Set(places)]);
  });

  describe('notebooks', () => {
    const one = (content: string | Buffer, more: Record<string, unknown> = {}) =>
      findingsOf({
        files: { 'a.ipynb': content },
        must: ['a.ipynb'],
        steps: [{ name: 's', notebook: 'a.ipynb', ...more }],
      });

    it('whose cells IPython takes, and that other tools have saved, are not refused', async () => {
      const plain = notebook([
        'print("%.3f"\n      % 1)',
        'ok = (1\n      != 2)',
        '!echo one \\\n    two',
        'd = {}\nd["k"] = !echo 1',
        'a, b = !echo 1; echo 2',
        '/print 1',
        { source: 'this is wrong(', tags: ['raises-exception'] },
      ]);
      const metadata = JSON.parse(plain) as { metadata: unknown };
      metadata.metadata = { kernelspec: { name: 'myenv', display_name: 'E' }, language_info: { name: 'python' } };
      const withNull = plain
        .replace(/"kernelspec":\{[^}]*\}/, '"kernelspec":null')
        .replaceAll('"tags":[]', '"tags":null');
      for (const content of [
        plain,
        JSON.stringify(metadata),
        withNull,
        `\ufeff${plain}`,
        Buffer.from(`\ufeff${plain}`, 'utf16le'),
        plain.replace('"nbformat":4', '"x":NaN,"nbformat":4'),
      ]) {
        const findings = await one(content);
        assert.deepEqual(
          findings.filter((f) => f.severity === 'error'),
          [],
        );
      }
    });

    it('that cannot run are refused, with the cell', async () => {
      const findings = await one(notebook(['ok = 1', 'x = (\n']));
      assert.deepEqual(told(findings), [['error', 'syntax']]);
      assert.match(textOf(findings), /a\.ipynb, code cell 2, line 1/);
      const other = JSON.parse(notebook(['1'])) as { metadata: unknown };
      other.metadata = { language_info: { name: 'R' } };
      assert.deepEqual(told(await one(JSON.stringify(other))), [['error', 'notebook-language']]);
      assert.match(textOf(await one(Buffer.from('{"a": "\xff"}', 'latin1'))), /byte 8 is not UTF-8/);
    });

    it('parameters that nothing uses are told', async () => {
      const cells = notebook([{ source: 'lr, epochs = 1, 2', tags: ['parameters'] }, 'print(seed)']);
      assert.deepEqual(told(await one(cells, { parameters: { lr: 1, epochs: 2, seed: 3 } })), []);
      assert.deepEqual(told(await one(cells, { parameters: { epoch: 3 } })), [['warning', 'parameter-unknown']]);
    });
  });

  it('models of which a file is missing, and markers that are empty', async () => {
    const index = JSON.stringify({ weight_map: { a: 'model-00001-of-00003.bin', b: 'other.bin' } });
    const steps = [{ name: 's', shell: 'true' }];
    const model = { 'm/pytorch_model.bin.index.json': index, 'm/model-00001-of-00003.bin': 'x' };
    const findings = await findingsOf({ files: model, must: ['m/'], steps });
    assert.deepEqual(told(findings), [['warning', 'weights-incomplete']]);
    assert.match(textOf(findings), /m\/model-00002-of-00003\.bin, m\/model-00003-of-00003\.bin, m\/other\.bin/);
    const markers = { 'd/_SUCCESS': '', 'd/__init__.py': '', 'd/.keep': '', 'd/a.done': '' };
    assert.deepEqual(told(await findingsOf({ files: markers, must: ['d/'], steps })), []);
  });

  it('an empty notebook refuses a run only where a step runs it', async () => {
    const files = { 'n/Untitled.ipynb': '', 'n/a.ipynb': notebook(['print(1)']) };
    const ofStep = async (name: string): Promise<unknown> =>
      told(await findingsOf({ files, must: ['n/'], steps: [{ name: 's', notebook: name }] }));
    assert.deepEqual(await ofStep('n/a.ipynb'), [['warning', 'file-empty']]);
    assert.deepEqual(await ofStep('n/Untitled.ipynb'), [
      ['warning', 'file-empty'],
      ['error', 'step-file'],
    ]);
  });

  it('a Python with arguments, and results that cannot come home', async () => {
    const files = { 'a.py': 'print(1)\n' };
    const steps = [{ name: 's', script: 'a.py', outputs: ['out/*.bin'] }];
    const findings = await findingsOf({
      files,
      must: ['a.py'],
      steps,
      target: { python: "python3 -c 'x'" },
      fetch: ['out/', 'out/*.pt', '.git/x'],
    });
    assert.deepEqual(told(findings), [
      ['warning', 'fetch-nothing'],
      ['warning', 'fetch-never'],
      ['error', 'python-name'],
    ]);
  });

  it('only code that runs in any case can refuse a run', async () => {
    const files = {
      'a.py': 'import b\ndef f():\n    from p import x\n    import p.gone\n    import late\n',
      'b.py': 'x = f"{d["k"]}"\n',
      'late.py': 'x = (\n',
      'p/__init__.py': '',
    };
    const findings = await findingsOf({ files, must: ['*.py', 'p/'], steps: [{ name: 's', script: 'a.py' }] });
    assert.deepEqual(
      findings.filter((f) => f.severity === 'error'),
      [],
    );
    assert.match(textOf(findings), /late\.py[^]*p\.gone/);
  });
});
