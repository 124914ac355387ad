import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { secretsIn } from '../../../src/core/files/secret-search.ts';
import { findSecrets } from '../../../src/core/files/secrets.ts';
import { madeUpKeys } from '../../support/made-up-keys.ts';

const { token, hex, base32, base64 } = madeUpKeys(11);
const digits = (count: number): string => hex(count).replace(/[a-f]/g, '7');
const b64 = (text: string): string => Buffer.from(text).toString('base64');
const quoted = (text: string): string => JSON.stringify(text);
// Cut, so that this file is none of those that are refused.
const [chosen, account] = ['Sup3r-Geheim', 'service-_account'].map((text) => text.replace('-', '')) as [string, string];
const privateKey = `-----BEGIN RSA PRIVATE KEY-----\nMII${token(60)}\n-----END RSA PRIVATE KEY-----`;

const secrets: [kind: string, text: string][] = [
  ['AWS access key', `key = "AKIA${base32(16)}"`],
  ['AWS access key', `ASIA${base32(16)}`],
  ['AWS secret key', `aws_secret_access_key = a7K${token(37)}`],
  ['AWS secret key', `"SecretAccessKey": "a7K${token(37)}"`],
  ['AWS secret key', `os.environ["AWS_SECRET_ACCESS_KEY"] = "${token(40)}"`],
  ['AWS secret key', `aws configure set aws_secret_access_key a7K${token(37)}`],
  ['AWS secret key', `AWS_SECRET="a7K${token(37)}"`],
  ['key in a variable', `API_KEY = "${token(40)}"`],
  ['key in a variable', `ACCESS_TOKEN="${token(40)}"`],
  ['key in a variable', `client(api_key="${token(40)}")`],
  ['key in a variable', `{"apiKey": "${token(44)}"}`],
  ['key in a header', `curl -H "Authorization: Bearer ${token(48)}" https://host/v1`],
  ['key in a header', `{"Authorization": "Bearer ${token(48)}"}`],
  ['Hugging Face token', `HF_TOKEN=hf_${token(34)}`],
  ['Hugging Face token', `"output": "logged in\\nhf_${token(34)}\\n"`],
  ['Hugging Face token', `"\\u001b[32mhf_${token(34)}\\u001b[0m"`],
  ['Hugging Face token', `https://host/x?next=%3Ftoken%3Dhf_${token(34)}`],
  ['OpenAI key', `OPENAI_API_KEY=sk-proj-a7K${token(48)}`],
  ['OpenAI key', `sk-svcacct-a7K${token(60)}_${token(60)}`],
  ['OpenAI key', `sk-a7K${token(45)}`],
  ['OpenAI key', `client = OpenAI(api_key="sk-${hex(32)}", base_url="https://api.deepseek.com")`],
  ['Anthropic key', `sk-ant-api03-a7K${token(60)}`],
  ['OpenRouter key', `sk-or-v1-${hex(64)}`],
  ['Weights & Biases key', `WANDB_API_KEY: ${hex(40)}`],
  ['Weights & Biases key', `wandb.login(key="${hex(40)}")`],
  ['Weights & Biases key', `!wandb login --relogin ${hex(40)}`],
  ['Weights & Biases key', `%env WANDB_API_KEY=${hex(40)}`],
  ['Weights & Biases key', `KEY = "wandb_v1_${token(30)}_${token(46)}"`],
  ['Replicate token', `r8_${token(37)}`],
  ['Civitai key', `CIVITAI_API_KEY=${hex(32)}`],
  ['key in an address', `https://civitai.com/api/download/models/1?type=Model&token=${hex(32)}`],
  ['key in an address', `http://127.0.0.1:8888/lab?token=${hex(48)}`],
  ['key in an address', `https://maps.example.org/v1?key=${token(40)}`],
  ['key in an address', `https://${token(52)}@dev.azure.com/a/_git/b`],
  ['Groq key', `gsk_${token(52)}`],
  ['NVIDIA key', `nvapi-${token(64)}`],
  ['Databricks token', `token: dapi${hex(32)}`],
  ['Perplexity key', `pplx-${token(48)}`],
  ['Together key', `tgp_v1_${token(43)}`],
  ['Neptune token', `NEPTUNE="eyJhcGlf${token(100)}"`],
  ['Kaggle key', `{"username":"somebody","key":"${hex(32)}"}`],
  ['Kaggle key', `{'key': '${hex(32)}', 'username': 'somebody'}`],
  ['Kaggle key', `os.environ['KAGGLE_KEY'] = '${hex(32)}'`],
  ['Kaggle key', `"source": ["!echo '{\\"username\\":\\"me\\",\\"key\\":\\"${hex(32)}\\"}' > ~/.kaggle/kaggle.json"]`],
  ['Kaggle key', quoted(quoted(quoted(`{"username":"me","key":"${hex(32)}"}`)))],
  ['RunPod API key', `rpa_${token(44)}`],
  ['RunPod S3 secret', `rps_${token(44)}`],
  ['GitHub token', `https://ghp_${token(36)}@github.com/a/b`],
  ['GitHub token', `ghs_${token(36)}`],
  ['GitHub token', `github_pat_${token(22)}_${token(59)}`],
  ['GitLab token', `glpat-${token(20)}`],
  ['GitLab token', `gldt-${token(20)}`],
  ['PyPI token', `pypi-AgEI${token(80)}`],
  ['PyPI token', `[pypi]\nusername = __token__\npassword = pypi-AgEI${token(80)}`],
  ['Docker token', `docker login -u me -p dckr_pat_${token(27)}`],
  ['Azure storage key', `AccountName=a;AccountKey=${base64(86)}==;EndpointSuffix=core.windows.net`],
  ['Google API key', `AIza${token(35)}`],
  ['Google client secret', `GOCSPX-${token(28)}`],
  ['Google service account', `{"type": "${account}", "private_key": "x"}`],
  ['Slack token', `xoxb-${token(12)}-${token(24)}`],
  ['Slack token', `xapp-1-A${base32(10)}-${token(12)}-${token(40)}`],
  ['Slack webhook', `https://hooks.slack.com/services/T${base32(8)}/B${base32(8)}/${token(24)}`],
  ['Discord webhook', `https://discord.com/api/webhooks/1${digits(17)}/${token(68)}`],
  ['Telegram token', `bot = Bot("1${digits(9)}:AA${token(33)}")`],
  ['Stripe key', `sk_live_${token(24)}`],
  ['password in an address', `index-url = https://trainer:a7k${token(9)}@pypi.intern.net/simple`],
  ['password in an address', `postgresql://trainer:${chosen}@db.intern/x`],
  ['password in an address', `redis://:a7k${token(12)}@cache:6379/0`],
  ['password in an address', `amqps://worker:${token(12)}@mq.intern.net/vhost`],
  ['password in an address', `mongodb+srv://app:${token(14)}@cluster0.ab1cd.mongodb.net/?retryWrites=true`],
  ['password in an address', `postgres://u:${token(6)}%40${token(6)}%2F@db.intern:5432/x?sslmode=require`],
  ['password in an address', `mysql+pymysql://app:${token(8)}@${token(4)}@db.intern/x`],
  ['password in an address', `redis://:${token(10)}/${token(10)}+x=@cache.intern:6379/0`],
  ['password in an address', `git clone https://me:${hex(40)}@git.intern.net/a/b.git`],
  ['password in an address', `{"url": "postgres:\\/\\/app:${token(12)}@db.intern\\/x"}`],
  ['password in an address', `jdbc:postgresql://db.intern:5432/x?user=app&password=${token(12)}`],
  ['password in an address', `jdbc:sqlserver://db.intern:1433;databaseName=x;user=sa;password=${token(12)};`],
  ['password in an address', `jdbc:oracle:thin:app/${token(12)}@//db.intern:1521/x`],
  ['password of a connection', `Server=tcp:db.intern,1433;Database=x;User ID=app;Password=${token(14)};Encrypt=True;`],
  ['password of a connection', `conn = "Password=${token(14)};Data Source=db.intern;User Id=app"`],
  ['password of a connection', `DRIVER={ODBC Driver 18};SERVER=db.intern;UID=app;PWD=${token(14)}`],
  ['password of a connection', `psycopg.connect("host=db.intern dbname=x user=app password=${token(12)}")`],
  ['password of a .netrc', `machine api.wandb.ai login user password a7${token(20)}`],
  ['password of a .netrc', `machine git.intern.net\n  login me\n  password ${token(20)}`],
  [
    'password of a .netrc',
    `"source": ["!echo 'machine git.intern.net login me password ${token(20)}' >> ~/.netrc\\n"]`,
  ],
  ['password of a .netrc', `"text": "machine git.intern.net\\n  login me\\n  password ${token(20)}\\n"`],
  ['password of a package index', `[intern]\nrepository = https://pypi.intern\nusername = me\npassword = ${token(16)}`],
  ['password of a package index', `"%%writefile .pypirc\\n[intern]\\nusername = me\\npassword = ${token(16)}\\n"`],
  ['login of a registry', `{"auths": {"https://index.docker.io/v1/": {"auth": "${b64(`me:${token(16)}`)}"}}}`],
  ['login of a registry', `//npm.intern.net/:_authToken=${token(36)}`],
  ['private key', privateKey],
  ['private key', quoted(privateKey)],
  ['private key', `client-key-data: ${b64(privateKey)}`],
  ['key in a variable', `export COMET_API_KEY="${token(25)}"`],
  ['key in a variable', `MISTRAL_API_KEY=${token(32)}`],
  ['key in a variable', `{"AZURE_OPENAI_API_KEY": "${hex(32)}"}`],
];

const harmless = [
  // Placeholders.
  'AKIAIOSFODNN7EXAMPLE',
  'HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'HF_TOKEN=hf_...',
  'HF_TOKEN=${HF_TOKEN}',
  'OPENAI_API_KEY=sk-your-key-goes-here-your-key-goes-here',
  'OPENAI_API_KEY=sk-...',
  'os.environ["OPENAI_API_KEY"] = "<your key>"',
  'aws_secret_access_key = os.environ["AWS_SECRET_ACCESS_KEY"]',
  'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  'api_key = os.getenv("MY_SERVICE_API_KEY_FROM_THE_ENVIRONMENT")',
  'MISTRAL_API_KEY=settings.MISTRAL_API_KEY_OF_THE_PROJECT_2024',
  'MY_API_KEY="replace-me-with-your-own-key-please"',
  'PAD_TOKEN = "<|endoftext|>"',
  'MAX_TOKENS=4096 SEP_TOKEN="[SEP]"',
  'export WANDB_API_KEY=$(cat ~/.wandb_key)',
  'wandb.login(key=os.environ["WANDB_API_KEY"])',
  `WANDB_API_KEY=${'x'.repeat(40)}`,
  `WANDB_API_KEY=${'0'.repeat(40)}`,
  'machine example.com login me password secret',
  'machine api.wandb.ai login user password YOUR_API_KEY',
  'machine api.wandb.ai login user password <your-api-key>',
  '{"username": "you", "key": "YOUR_KAGGLE_KEY"}',
  '{"username":"","key":""}',
  '[pypi]\nusername = __token__\npassword = <your token>',
  '{"auths": {}, "credsStore": "desktop"}',
  '{"auths": {"ghcr.io": {}}}',
  '//registry.npmjs.org/:_authToken=${NPM_TOKEN}',
  // Words, names and classes.
  'sk-learn-and-other-words-with-many-hyphens-in-them',
  'class="sk-toggleable__control sk-hidden--visually-12 sk-container-id-12-and-more"',
  '#sk-container-id-1 div.sk-parallel-item:only-child::after {width: 0;}',
  '.sk-FadingCircle-Circle12-BounceDelay-And-More-Words {}',
  '.sk-toggleable__label-arrow:before {content: "▸";} .sk-estimator-doc-link.fitted {}',
  '.sk-MuiButton-Root-Variant1-ColorPrimary2-Size3-Medium {}',
  'def hf_hub_download_with_a_long_name_that_goes_on_and_on():',
  'from hf_transfer import download, multipart_upload',
  'xai-explanations-of-models-and-other-long-words',
  'npm_config_registry=https://registry.npmjs.org/',
  "if '-----BEGIN PRIVATE KEY-----' in text:",
  '-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----',
  '-----BEGIN CERTIFICATE-----\nMIIDXTCCAkWgAwIBAgIJAKl0TUs0FnHnMA0GCSqGSIb3DQEBCwUAMEUxCzAJBgNV\n',
  '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0Z3VS5JJcds3xfn\n',
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${token(43)} me@host`,
  '{"type": "service_account"}',
  'tokenizer.add_special_tokens({"pad_token": "[PAD]"})',
  // Hashes.
  `wandb @ git+https://github.com/wandb/wandb@${hex(40)}`,
  `commit ${hex(40)}`,
  `"wandb": {"git": "https://github.com/wandb/wandb", "rev": "${hex(40)}"}`,
  `wandb = { rev = "${hex(40)}" }`,
  `"wandb": "${hex(40)}"`,
  ` ${hex(40)} vendor/wandb (v0.16.0)`,
  `-${hex(40)} vendor/wandb`,
  `git checkout ${hex(40)}  # wandb`,
  `bump wandb to ${hex(40)}`,
  `wandb: Syncing run, git hash ${hex(40)}`,
  `wandb: git_sha=${hex(40)}`,
  `wandb config tokenizer_revision: ${hex(40)}`,
  `wandb log tokenizer ${hex(40)}`,
  `wandb run key_hash = "${hex(40)}"`,
  `wandb==0.22.3 --hash=sha256:${hex(64)}`,
  `wandb==0.22.3 \\\n    --hash=sha1:${hex(40)}\nkeyring==1.0 \\\n    --hash=sha1:${hex(40)}`,
  `{ url = "https://files.pythonhosted.org/x/wandb-0.22.3.tar.gz", hash = "sha256:${hex(64)}" }`,
  `wandb/artifacts/${hex(32)} secret model`,
  `"integrity": "sha512-${base64(86)}=="`,
  `resolved "https://registry.npmjs.org/x/-/x-1.0.0.tgz#${hex(40)}"`,
  `  integrity sha512-${base64(86)}==`,
  `checksum: 10c0/${hex(128)}`,
  `checksum = "${hex(64)}"`,
  `golang.org/x/net v0.17.0 h1:${base64(43)}=`,
  `narHash = "sha256-${base64(43)}=";`,
  `{file = "tokenizers-0.15.0.whl", hash = "sha256:${hex(64)}"}`,
  `civitai model 12345, hash: ${hex(32)}`,
  `civitai model 12345 AutoV2 ${hex(32)}`,
  `md5sum key.txt ${hex(32)}`,
  `models--bert--base/snapshots/${hex(40)}/config.json`,
  `SECRET_KEY_FINGERPRINT = "${hex(40)}"`,
  `image: pytorch/pytorch@sha256:${hex(64)}`,
  'container: "docker://python:3.11-slim@sha256:abc"',
  `docker pull registry.intern:5000/a/b@sha256:${hex(64)}`,
  // Addresses.
  'postgres://user:password@localhost:5432/db',
  'postgres://user:pass@localhost/db',
  'postgresql://postgres:postgres@db/app',
  'postgresql+psycopg2://airflow:airflow@postgres/airflow',
  'postgresql://app:app@db/app',
  'postgresql://${USER}:${PASSWORD}@host/db',
  'postgres://app:$DB_PASSWORD@host/db',
  'postgres://app:<password>@host/db',
  'postgres://app:***@host/db',
  'postgres://app:********@db.intern/db',
  'postgres://app:xxxxxxxx@db.intern/db',
  'postgres://app:DB_PASSWORD@db.intern/db',
  'postgres://app:YOUR_PASSWORD@db.intern/db',
  'postgres://app:my-secret-password@db.intern/db',
  'postgres://app:changeme123@localhost/db',
  'postgres://root:example@mongo:27017/',
  'mongodb://root:example@mongo:27017/',
  'mongodb+srv://<username>:<password>@cluster0.mongodb.net/test',
  'mongodb://localhost:27017/db',
  'redis://localhost:6379/0',
  'redis://:password@localhost:6379',
  'redis://default:redispw@localhost:49153',
  'amqp://guest:guest@localhost:5672//',
  'https://username:your-password@example.com/x',
  'f"https://{user}:{token}@github.com/x"',
  'https://user:%s@host/x',
  '"https://user:" + token + "@host"',
  'https://user:%(password)s@host/x',
  'https://x-access-token:$TOKEN@github.com/a/b',
  'https://oauth2:${GITLAB_TOKEN}@gitlab.com/a/b',
  'https://user:%TOKEN%@host/x',
  'http://user:pass@example.com:80/path;x?a=b#c',
  'http://a:b@c:29/d',
  'http://foo:bar@[::1]:80/',
  'http://user:p%40ssw0rd@host/',
  'http://user:pass%20pass@host/',
  'http://bob:wonderland@proxy:3128',
  'http://user:Pa55w0rd@example.com',
  'http://joe:s3cr3t@localhost:8080',
  "MultiHostUrl('https://foo.com:123,foo:bar@bar.com/path')",
  'ftp://anonymous:guest@ftp.intern.net/',
  'http://localhost:8888/tree',
  'ssh://git@github.com:22/a/b.git',
  'https://registry.npmjs.org:443/@scope/name',
  'mailto:me@example.com https://host:8080/x',
  `SENTRY_DSN=https://${hex(32)}@o123.ingest.sentry.io/456`,
  'https://example.com/?token=YOUR_TOKEN_GOES_HERE_OR_IN_A_FILE',
  'https://x.org/a?key=some-long-name-of-a-thing-in-words',
  'https://x.org/a?key=value1&token=abc',
  `https://cdn.x.org/a.png?key=${hex(32)}`,
  'https://firebasestorage.googleapis.com/v0/b/a/o/b?alt=media&token=3f8a1c52-90b4-4e7d-8c21-6a5f0e9d7b34',
  'https://x.org/cb?token=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
  'jdbc:postgresql://localhost:5432/x?user=app&password=secret',
  'jdbc:oracle:thin:scott/tiger@localhost:1521:orcl',
  'https://host/login?user=a&password=password',
  'Server=localhost;Database=x;User Id=sa;Password=<YourStrong@Passw0rd>;',
  'Server=localhost;User Id=sa;Password=yourStrong(!)Password;',
  'Server=db;User Id=sa;Password=${SA_PASSWORD};',
  'psycopg.connect(host=host, user=user, password=password)',
  'connect(host=HOST, password=os.environ["DB_PASSWORD"], dbname="x")',
  'def connect(host=None, password=None, database=default_database_1):',
  'const user = env.USER; const host = env.HOST; const password = process.env.AZURE_PASSWORD1; x();',
  'psycopg.connect(f"host={h} user={u} password={p}")',
  'psycopg.connect("host=localhost user=postgres password=postgres")',
  // Data in text.
  'uuid: 3f8a1c52-90b4-4e7d-8c21-6a5f0e9d7b34',
  `API_KEY_ID = "3f8a1c52-90b4-4e7d-8c21-6a5f0e9d7b34"`,
  `"image/png": "iVBORw0KGgo${base64(4000)}AIza${token(35)}/${base64(400)}"`,
  `data:font/woff2;base64,d09GMgABAAAAA${base64(2000)}+AKIA${base32(16)}+${base64(500)}`,
  `"image/jpeg": "/9j/4AAQSkZJRg${base64(3000)}="`,
];

describe('what counts as a secret (R9.6)', () => {
  for (const [kind, text] of secrets) {
    it(`finds: ${kind} (${text.slice(0, 24).replace(/\s+/g, ' ')}…), with its line`, () => {
      for (const [before, after, line] of [
        ['first\nsecond ', '\nlast\n', 2],
        ['ä\r\n', '', 2],
      ] as const) {
        const found = secretsIn(Buffer.from(`${before}${text}${after}`)) ?? [];
        assert.deepEqual([...new Set(found.map(([, what]) => what))], [kind]);
        const last = line + text.split('\n').length - 1;
        assert(found.every(([at]) => at >= line && at <= last));
      }
    });
  }

  it('finds each of them in a cell and in an output of a notebook', () => {
    const lines = (text: string): string[] => text.split(/(?<=\n)/);
    for (const [kind, text] of secrets) {
      const inSource = { cell_type: 'code', source: lines(`x = 1\n${text}\n`), outputs: [] };
      const stream = { output_type: 'stream', name: 'stdout', text: lines(`done\n${text}\n`) };
      const whole = { output_type: 'execute_result', data: { 'text/plain': `'${text}'` } };
      for (const cell of [
        inSource,
        { ...inSource, source: [], outputs: [stream] },
        { ...inSource, source: [], outputs: [whole] },
      ]) {
        const notebook = JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4 }, null, 1);
        assert.deepEqual(
          [...new Set((secretsIn(Buffer.from(notebook)) ?? []).map(([, what]) => what))],
          [kind],
          notebook,
        );
      }
    }
  });

  it('passes over placeholders, words, hashes, addresses without a password and pictures', () => {
    assert(harmless.length >= 100 && secrets.length >= 60);
    for (const text of harmless) {
      for (const written of [text, JSON.stringify({ source: [`${text}\n`] }, null, 1)]) {
        assert.deepEqual(secretsIn(Buffer.from(written)), [], written);
      }
    }
  });

  it('finds nothing in this repository, which its own door lets through', async () => {
    const root = path.join(import.meta.dirname, '..', '..', '..');
    const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
    assert(listed.length > 500);
    const files = listed.flatMap((name) => {
      const absolute = path.join(root, name);
      const found = statSync(absolute, { throwIfNoEntry: false });
      return found?.isFile() === true ? [{ path: name, absolute, size: found.size, mtimeMs: 0, ino: 0 }] : [];
    });
    assert.deepEqual((await findSecrets(files)).findings, []);
  });
});
