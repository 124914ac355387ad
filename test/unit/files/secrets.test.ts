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
  ['AWS secret key', `aws_secret_access_key = ${token(40)}`],
  ['Hugging Face token', `HF_TOKEN=hf_${token(34)}`],
  ['OpenAI or Anthropic key', `OPENAI_API_KEY=sk-proj-${token(48)}`],
  ['OpenAI or Anthropic key', `sk-ant-api03-${token(60)}`],
  ['Weights & Biases key', `WANDB_API_KEY: ${hex(40)}`],
  ['Weights & Biases key', `wandb.login(key="${hex(40)}")`],
  ['RunPod API key', `rpa_${token(44)}`],
  ['RunPod S3 secret', `rps_${token(44)}`],
  ['GitHub token', `https://ghp_${token(36)}@github.com/a/b`],
  ['GitHub token', `github_pat_${token(22)}_${token(59)}`],
  ['GitLab token', `glpat-${token(20)}`],
  ['Google API key', `AIza${token(35)}`],
  ['Google service account', `{"type": "service_account", "private_key": "x"}`],
  ['Slack token', `xoxb-${token(12)}-${token(24)}`],
  ['Slack webhook', `https://hooks.slack.com/services/T${base32(8)}/B${base32(8)}/${token(24)}`],
  ['Stripe key', `sk_live_${token(24)}`],
  ['private key', `-----BEGIN RSA PRIVATE KEY-----\n${token(64)}\n`],
  ['private key', `"-----BEGIN PRIVATE KEY-----\\n${token(64)}\\n"`],
];

describe('search for secrets before an upload (R9.6)', () => {
  const folder = useTempFolder();
  const root = (): string => folder.path;

  const find = async (allow: string[] = []): Promise<SecretFinding[]> => {
    const { files } = await scan(root(), { must: ['**'], data: [], optional: [], never: [] });
    return findSecrets(files, { allow });
  };

  for (const [kind, text] of samples) {
    it(`finds: ${kind} (${text.slice(0, 12).replace(/\n/g, ' ')}…), with its line and without its value`, () => {
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

  it('reads text of up to 1 MB, also UTF-16, and no binary files', async () => {
    const key = `rpa_${token(44)}`;
    await writeTree(root(), {
      'binary.bin': Buffer.concat([Buffer.from([0, 1]), Buffer.from(key)]),
      'large.txt': `${key}\n${'x'.repeat(1024 * 1024)}`,
      'fits.txt': `${' '.repeat(1024 * 1024 - key.length)}${key}`,
      'wide.txt': Buffer.from(`\uFEFF${key}`, 'utf16le'),
      'empty.txt': '',
    });
    assert.deepEqual(
      (await find()).map((finding) => finding.path),
      ['fits.txt', 'wide.txt'],
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
    assert.equal(first.length, 1);
    // Same size and time: taken from memory.
    await writeTree(root(), { 'a.txt': 'x'.repeat(key.length) });
    await utimes(path.join(root(), 'a.txt'), old, old);
    assert.deepEqual(await findSecrets(await files(), { cacheFile }), first);
    await utimes(path.join(root(), 'a.txt'), old, new Date());
    assert.deepEqual(await findSecrets(await files(), { cacheFile }), []);
  });

  it('passes over files that are gone or cannot be read', async () => {
    await symlink('nowhere', path.join(root(), 'gone'));
    const file = { path: 'gone', absolute: path.join(root(), 'gone'), size: 5, mtimeMs: 0, ino: 0, mode: 0o644 };
    assert.deepEqual(await findSecrets([{ ...file, list: 'must' }]), []);
  });

  it('finds nothing in the examples of this repository', async () => {
    const examples = path.join(import.meta.dirname, '..', '..', '..', 'examples');
    const never = ['runpod-results/', 'staged_raw_material/', 'output/'];
    const { files } = await scan(examples, { must: ['**'], data: [], optional: [], never });
    assert(files.length > 20);
    assert.deepEqual(await findSecrets(files), []);
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
