import assert from 'node:assert/strict';
import { symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { scan } from '../../../src/core/files/scan.ts';
import { findSecrets, secretsIn, type SecretFinding } from '../../../src/core/files/secrets.ts';
import { writeTree } from '../../support/files.ts';
import { seeded } from '../../support/random.ts';
import { useTempFolder } from '../../support/temp.ts';

const random = seeded(7);
const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz023456789';
const from = (alphabet: string, count: number): string =>
  Array.from({ length: count }, () => random.pick(Array.from(alphabet))).join('');
const token = (count: number): string => from(letters, count);
const hex = (count: number): string => from('0123456789abcdef', count);
const base32 = (count: number): string => from('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', count);

// Made anew from a seed and put together here, so that no file of this repository looks like it holds a key.
const samples: [kind: string, text: string][] = [
  ['AWS access key', `key = "AKIA${base32(16)}"`],
  ['AWS access key', `ASIA${base32(16)}`],
  ['AWS secret key', `aws_secret_access_key = a7K${token(37)}`],
  ['AWS secret key', `"SecretAccessKey": "a7K${token(37)}"`],
  ['Hugging Face token', `HF_TOKEN=hf_${token(34)}`],
  ['Hugging Face token', `"output": "logged in\\nhf_${token(34)}\\n"`],
  ['Hugging Face token', `"\\u001b[32mhf_${token(34)}\\u001b[0m"`],
  ['OpenAI key', `OPENAI_API_KEY=sk-proj-a7K${token(48)}`],
  ['OpenAI key', `sk-svcacct-a7K${token(60)}_${token(60)}`],
  ['OpenAI key', `sk-a7K${token(45)}`],
  ['Anthropic key', `sk-ant-api03-a7K${token(60)}`],
  ['OpenRouter key', `sk-or-v1-${hex(64)}`],
  ['Weights & Biases key', `WANDB_API_KEY: ${hex(40)}`],
  ['Weights & Biases key', `wandb.login(key="${hex(40)}")`],
  ['Weights & Biases key', `KEY = "wandb_v1_${token(30)}_${token(46)}"`],
  ['Replicate token', `r8_${token(37)}`],
  ['Civitai key', `CIVITAI_API_KEY=${hex(32)}`],
  ['key in an address', `https://civitai.com/api/download/models/1?type=Model&token=${hex(32)}`],
  ['key in an address', `http://127.0.0.1:8888/lab?token=${hex(48)}`],
  ['Groq key', `gsk_${token(52)}`],
  ['NVIDIA key', `nvapi-${token(64)}`],
  ['Kaggle key', `{"username":"somebody","key":"${hex(32)}"}`],
  ['RunPod API key', `rpa_${token(44)}`],
  ['RunPod S3 secret', `rps_${token(44)}`],
  ['GitHub token', `https://ghp_${token(36)}@github.com/a/b`],
  ['GitHub token', `ghs_${token(36)}`],
  ['GitHub token', `github_pat_${token(22)}_${token(59)}`],
  ['GitLab token', `glpat-${token(20)}`],
  ['GitLab token', `gldt-${token(20)}`],
  ['PyPI token', `pypi-AgEI${token(80)}`],
  ['Google API key', `AIza${token(35)}`],
  ['Google client secret', `GOCSPX-${token(28)}`],
  ['Google service account', `{"type": "service_account", "private_key": "x"}`],
  ['Slack token', `xoxb-${token(12)}-${token(24)}`],
  ['Slack token', `xapp-1-A${base32(10)}-${token(12)}-${token(40)}`],
  ['Slack webhook', `https://hooks.slack.com/services/T${base32(8)}/B${base32(8)}/${token(24)}`],
  ['Stripe key', `sk_live_${token(24)}`],
  ['password in an address', `index-url = https://trainer:a7k${token(9)}@pypi.intern.net/simple`],
  ['password in an address', `postgresql://trainer:Sup3rGeheim@db.intern/x`],
  ['password in an address', `redis://:a7k${token(12)}@cache:6379/0`],
  ['password of a .netrc', `machine api.wandb.ai login user password a7${token(20)}`],
  ['private key', `-----BEGIN RSA PRIVATE KEY-----\n${token(64)}\n`],
  ['private key', `"-----BEGIN PRIVATE KEY-----\\n${token(64)}\\n"`],
];

describe('search for secrets before an upload (R9.6)', () => {
  const folder = useTempFolder();
  const root = (): string => folder.path;

  const find = async (allow: string[] = []): Promise<SecretFinding[]> => {
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    return (await findSecrets(files, { allow })).findings;
  };

  for (const [kind, text] of samples) {
    it(`finds: ${kind} (${text.slice(0, 24).replace(/\n/g, ' ')}…), with its line and without its value`, () => {
      assert.deepEqual(secretsIn(Buffer.from(`first\nsecond ${text}\nlast\n`)), [[2, kind]]);
      assert.deepEqual(secretsIn(Buffer.from(`ä\r\n${text}`)), [[2, kind]]);
    });
  }

  it('passes over placeholders, words, hashes of commits and lines that only name a key', () => {
    const harmless = [
      'AKIAIOSFODNN7EXAMPLE',
      'HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
      'sk-learn-and-other-words-with-many-hyphens-in-them',
      'OPENAI_API_KEY=sk-your-key-goes-here-your-key-goes-here',
      `wandb @ git+https://github.com/wandb/wandb@${hex(40)}`,
      `commit ${hex(40)}`,
      "if '-----BEGIN PRIVATE KEY-----' in text:",
      'def hf_hub_download_with_a_long_name_that_goes_on_and_on():',
      '{"type": "service_account"}',
      'aws_secret_access_key = os.environ["AWS_SECRET_ACCESS_KEY"]',
      'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      `"wandb": {"git": "https://github.com/wandb/wandb", "rev": "${hex(40)}"}`,
      `wandb = { rev = "${hex(40)}" }`,
      `wandb==0.22.3 --hash=sha256:${hex(64)}`,
      `{ url = "https://files.pythonhosted.org/x/wandb-0.22.3.tar.gz", hash = "sha256:${hex(64)}" }`,
      `"integrity": "sha512-${token(86)}=="`,
      `resolved "https://registry.npmjs.org/x/-/x-1.0.0.tgz#${hex(40)}"`,
      `civitai model 12345, hash: ${hex(32)}`,
      'class="sk-toggleable__control sk-hidden--visually-12 sk-container-id-12-and-more"',
      'postgres://user:password@localhost:5432/db',
      'https://username:your-password@example.com/x',
      'postgresql://postgres:postgres@db/app',
      'postgresql://${USER}:${PASSWORD}@host/db',
      'f"https://{user}:{token}@github.com/x"',
      'https://user:%s@host/x',
      'https://example.com/?token=YOUR_TOKEN_GOES_HERE_OR_IN_A_FILE',
      'https://x.org/a?key=some-long-name-of-a-thing-in-words',
      'machine example.com login me password secret',
      'http://localhost:8888/tree',
      'ssh://git@github.com:22/a/b.git',
      '-----BEGIN CERTIFICATE-----\nMIIDXTCCAkWgAwIBAgIJAKl0TUs0FnHnMA0GCSqGSIb3DQEBCwUAMEUxCzAJBgNV\n',
    ];
    for (const text of harmless) {
      assert.deepEqual(secretsIn(Buffer.from(text)), [], text);
    }
  });

  it('knows files by their name, and not their harmless neighbors', async () => {
    const secret = {
      '.env': 'environment file',
      'app/.env.production': 'environment file',
      id_ed25519: 'SSH key',
      '.ssh/deploy': 'SSH key',
      'passwords.kdbx': 'key store',
      '.netrc': 'credentials file',
      'home/.aws/credentials': 'credentials file',
      kubeconfig: 'credentials file',
      'kaggle.json': 'credentials file',
      'x/.cache/huggingface/token': 'credentials file',
    };
    const harmless = [
      '.env.example',
      'env',
      'environment.yml',
      'id_ed25519.pub',
      '.ssh/known_hosts',
      'credentials.py',
      'ca.pem',
      'token',
      'a.key',
    ];
    await writeTree(root(), Object.fromEntries([...Object.keys(secret), ...harmless].map((name) => [name, 'x'])));
    assert.deepEqual(
      await find(),
      Object.entries(secret)
        .map(([name, kind]) => ({ path: name, line: null, kind }))
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
  });

  it('never tells the value', async () => {
    const value = `hf_${token(34)}`;
    await writeTree(root(), { 'a.py': `x\ntoken = "${value}"\n` });
    const found = await find();
    assert.deepEqual(found, [{ path: 'a.py', line: 2, kind: 'Hugging Face token' }]);
    assert(!JSON.stringify(found).includes(value));
  });

  it('reads text of any length and encoding, and says how much is no text', async () => {
    const key = `rpa_${token(44)}`;
    const wide = Buffer.from(`first\nzweite ü\n${key}\n`, 'utf16le');
    await writeTree(root(), {
      'binary.bin': Buffer.concat([Buffer.from([0, 1]), Buffer.from(key)]),
      'table.parquet': Buffer.concat([Buffer.from('PAR1\x15\x04\x15'), Buffer.from(key)]),
      'picture.png': Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.from(key)]),
      'sound.mp3': Buffer.concat([Buffer.from('ID3\x04\0'), Buffer.from(key)]),
      'w.safetensors': Buffer.concat([Buffer.from('4002000000000000', 'hex'), Buffer.from(`{"a": "${key}"}`)]),
      'all.tar.gz': Buffer.from('1f8b0800000000000003edd1', 'hex'),
      'large.txt': `${'x'.repeat(3 * 1024 * 1024)}\n${key}\n${'x'.repeat(1024 * 1024)}`,
      'starts-like-a-table.txt': `PAR1 is how it begins, ${key}`,
      'with-some-controls.log': `${'progress \u0001 bar\n'.repeat(3)}${'plain text\n'.repeat(100)}${key}`,
      'bom8.txt': `\uFEFF${key}`,
      'bom16le.txt': Buffer.concat([Buffer.from([0xff, 0xfe]), wide]),
      'bom16be.txt': Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(wide).swap16()]),
      '16le.txt': wide,
      '16be.txt': Buffer.from(wide).swap16(),
      'empty.txt': '',
    });
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    const { findings, unsearched } = await findSecrets(files);
    assert.deepEqual(
      findings.map((finding) => `${finding.path}:${finding.line}`),
      [
        '16be.txt:3',
        '16le.txt:3',
        'bom16be.txt:3',
        'bom16le.txt:3',
        'bom8.txt:1',
        'large.txt:2',
        'starts-like-a-table.txt:1',
        'with-some-controls.log:104',
      ],
    );
    const data = files.filter((file) => /\.(?:bin|parquet|png|mp3|safetensors|gz)$/.test(file.path));
    assert.deepEqual(unsearched, { files: 6, bytes: data.reduce((sum, file) => sum + file.size, 0) });
  });

  it('finds what lies across the border of two pieces, wherever it is cut, once and with its line', async () => {
    const key = `hf_${token(34)}`;
    const mebibyte = 1024 * 1024;
    for (const before of [1, 3, 20, 36, 37, 38]) {
      const line = 'some words of a log\n';
      const text = line.repeat(Math.ceil((2 * mebibyte) / line.length)).slice(0, 2 * mebibyte - before - 1);
      const lines = text.split('\n').length;
      await writeTree(root(), { 'log.txt': `${text} ${key} and ${'more\n'.repeat(300_000)}` });
      assert.deepEqual(await find(), [{ path: 'log.txt', line: lines, kind: 'Hugging Face token' }], `${before}`);
    }
    const wide = Buffer.from(`${'words\n'.repeat(100_000)}${key} and more`.padStart(mebibyte / 2 + 20, ' '), 'utf16le');
    await writeTree(root(), { 'log.txt': wide });
    assert.equal((await find()).length, 1);
  });

  it('finds nothing in a word that is only cut by a border', async () => {
    const text = `${'x'.repeat(1024 * 1024 - 16 * 1024)}hf_${token(34)} ${'more '.repeat(500_000)}`;
    await writeTree(root(), { 'log.txt': text });
    assert.deepEqual(await find(), []);
  });

  it('tells how far it is in a long text, lets others run and can be cancelled', async () => {
    await writeTree(root(), { 'log.txt': 'epoch 3 step 100 loss 0.25 https://host/x wandb secret\n'.repeat(300_000) });
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    const seen: number[] = [];
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await findSecrets(files, { onProgress: (bytes, total) => seen.push(bytes / total) });
    clearInterval(timer);
    assert(seen.length > 10 && turns > 5 && seen.at(-1) === 1);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    const abort = new AbortController();
    const search = findSecrets(files, { signal: abort.signal, onProgress: () => abort.abort() });
    await assert.rejects(search, { name: 'CancelledError' });
  });

  it('finds a token in a notebook with large figures, in a cell and in an output', async () => {
    const key = `hf_${token(34)}`;
    const figure = { output_type: 'display_data', data: { 'image/png': 'iVBORw0KGgo'.repeat(150_000) }, metadata: {} };
    const cell = (source: string[], outputs: unknown[]) => ({ cell_type: 'code', source, outputs, metadata: {} });
    const notebook = (cells: unknown[]) =>
      JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }, null, 1);
    const stream = { output_type: 'stream', name: 'stdout', text: ['Logged in\n', `token ${key}\n`] };
    await writeTree(root(), {
      'cell.ipynb': notebook([cell([`login("${key}")\n`], []), cell([], [figure])]),
      'output.ipynb': notebook([cell([], [figure]), cell([], [stream])]),
      'clean.ipynb': notebook([cell(['1 + 1'], [figure])]),
    });
    assert.deepEqual(
      (await find()).map(({ path: name }) => name),
      ['cell.ipynb', 'output.ipynb'],
    );
  });

  it('sees through the quotes in which cells of notebooks and texts in sources stand', async () => {
    const lines = (text: string) => text.split(/(?<=\n)/);
    const notebook = (text: string) =>
      JSON.stringify({ cells: [{ cell_type: 'code', source: lines(text) }], nbformat: 4 }, null, 1);
    const body = `MII${token(60)}`;
    const account = `{"type": "service_account",\n "private_key_id": "a",\n "private_key": "-----BEGIN PRIVATE KEY-----\\n${body}"}`;
    await writeTree(root(), {
      'a.ipynb': notebook(`key = \"\"\"-----BEGIN RSA PRIVATE KEY-----\n${body}\n\"\"\"`),
      'b.ipynb': notebook(`key = "-----BEGIN RSA PRIVATE KEY-----\\n${body}"`),
      'c.ipynb': notebook(`%%writefile sa.json\n${account}`),
      'd.ipynb': notebook(`os.environ["AWS_SECRET_ACCESS_KEY"] = "${token(38)}aB"`),
      'e.py': `os.environ["AWS_SECRET_ACCESS_KEY"] = "${token(38)}aB"\n`,
      'f.py': `KEY = (\n    "-----BEGIN PRIVATE KEY-----\\n"\n    "${body}\\n"\n)\n`,
      'clean.ipynb': notebook('print("-----BEGIN")\nx = ["a",\n "b"]'),
      'ci.yaml': 'container: "docker://python:3.11-slim@sha256:abc"\n',
    });
    assert.deepEqual(
      [...new Set((await find()).map(({ path: name }) => name))],
      ['a.ipynb', 'b.ipynb', 'c.ipynb', 'd.ipynb', 'e.py', 'f.py'],
    );
  });

  it('obeys the allow list of the project file', async () => {
    await writeTree(root(), { 'test/keys.txt': `rpa_${token(44)}`, '.env': 'A=1', 'b.txt': `rpa_${token(44)}` });
    assert.deepEqual(
      (await find(['test/', '.env'])).map((finding) => finding.path),
      ['b.txt'],
    );
  });

  it('remembers unchanged files, and reads changed ones again', async () => {
    const cacheFile = path.join(folder.path, '.runpod-trainer', 'secrets.json');
    const old = new Date('2026-01-01T00:00:00Z');
    const files = async () => (await scan(root(), { must: ['**'], data: [], optional: [], never: [] })).files;
    const key = `rpa_${token(44)}`;
    await writeTree(root(), { 'a.txt': key });
    await utimes(path.join(root(), 'a.txt'), old, old);
    const first = await findSecrets(await files(), { cacheFile });
    assert.equal(first.findings.length, 1);
    // Same size and time: taken from memory.
    await writeTree(root(), { 'a.txt': 'x'.repeat(key.length) });
    await utimes(path.join(root(), 'a.txt'), old, old);
    assert.deepEqual(await findSecrets(await files(), { cacheFile }), first);
    await utimes(path.join(root(), 'a.txt'), old, new Date());
    assert.deepEqual((await findSecrets(await files(), { cacheFile })).findings, []);
  });

  it('passes over files that are gone or cannot be read', async () => {
    await symlink('nowhere', path.join(root(), 'gone'));
    const file = { path: 'gone', absolute: path.join(root(), 'gone'), size: 5, mtimeMs: 0, ino: 0 };
    assert.deepEqual((await findSecrets([file])).findings, []);
  });

  it('finds nothing in the examples of this repository', async () => {
    const examples = path.join(import.meta.dirname, '..', '..', '..', 'examples');
    const never = ['runpod-results/', 'staged_raw_material/', 'output/'];
    const { files } = await scan(examples, { must: ['**'], data: [], optional: [], never });
    assert(files.length > 20);
    assert.deepEqual((await findSecrets(files)).findings, []);
  });

  it('is not slowed down by long lines that look like the start of something', () => {
    const long = ['wandb '.repeat(150_000), 'sk-'.repeat(300_000), '"type": "service_account" '.repeat(40_000)];
    for (const text of [...long, `-----BEGIN PRIVATE KEY-----\n${'A-: a\n'.repeat(150_000)}`]) {
      const begun = performance.now();
      secretsIn(Buffer.from(text.slice(0, 1024 * 1024)));
      const took = performance.now() - begun;
      assert(took < 5000, `${text.slice(0, 20)} took ${took} ms`);
    }
  });
});
