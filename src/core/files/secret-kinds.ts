/** A kind of secret that is recognized in text. */
export interface SecretKind {
  kind: string;
  /** Must stand in the text as it is for the pattern to be tried; lower-case ones are looked for in any case. */
  needs: string;
  pattern: RegExp;
  /** Group of the pattern that holds the value; the whole match unless told. */
  value?: number;
  /** What is asked of a value that fits; whether it looks random unless told. */
  holds?: (value: string, match: RegExpExecArray) => boolean;
}

/** Where a word may begin: also after an escape of JSON and after the end of a color. */
const begin = String.raw`(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=\[[0-9;]{1,12}m))`;
const end = String.raw`(?![A-Za-z0-9_-])`;

/** A word that begins with a prefix; that is looked for first, which is quick. */
function word(prefix: string, body: string): RegExp {
  const literal = prefix.replace('.', '\\.');
  return new RegExp(`${literal}(?<=${begin}${literal})${body}`, 'g');
}

function prefixed(kind: string, prefix: string, body: string, holds?: SecretKind['holds']): SecretKind {
  return { kind, needs: prefix, pattern: word(prefix, `${body}${end}`), ...(holds && { holds }) };
}

/** Between the name of a variable and its value. */
const assigned = String.raw`["'\\\]]{0,4}\s{0,4}(?:[=:,(]|=>)\s{0,4}[\\]?["']?`;
/** Words after which 40 hexadecimal digits are a commit or a checksum. */
const checksum = /rev|commit|sha|hash|digest|checksum|resolved|reference|version|tag|tree|blob|run|\bid\b|md5/i;

/**
 * Keys that services give out, by the shape that their makers document. Placeholders (`sk-xxxx…`, `…EXAMPLE`) do not
 * count. The one list: for files that leave this machine, for outputs of notebooks and for the project file itself.
 */
export const secretKinds: readonly SecretKind[] = [
  prefixed('AWS access key', 'AKIA', '[A-Z2-7]{16}'),
  prefixed('AWS access key', 'ASIA', '[A-Z2-7]{16}'),
  {
    kind: 'AWS secret key',
    needs: 'secret',
    pattern: new RegExp(`secret_?(?:access_?)?key${assigned}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])`, 'gi'),
    value: 1,
    holds: (value) => isMixed(value) && looksRandom(value),
  },
  prefixed('Hugging Face token', 'hf_', '[A-Za-z0-9]{30,60}'),
  prefixed('Hugging Face token', 'api_org_', '[A-Za-z0-9]{30,60}'),
  prefixed('Anthropic key', 'sk-ant-', '[A-Za-z0-9_-]{32,220}', (value) => isMixed(value) && looksRandom(value)),
  prefixed('OpenAI key', 'sk-', '(?!ant-)[A-Za-z0-9_-]{32,220}', (value) => isMixed(value) && looksRandom(value)),
  prefixed('OpenRouter key', 'sk-or-', 'v1-[0-9a-f]{64}'),
  prefixed('Weights & Biases key', 'wandb_v1_', '[A-Za-z0-9_-]{31,200}'),
  {
    kind: 'Weights & Biases key',
    needs: 'wandb',
    pattern: /wandb([^\n@/]{0,60}?)[\s=:"'(]\s{0,4}((?:wandb_v1_|local-)?[0-9a-f]{40})(?![0-9A-Za-z])/gi,
    value: 2,
    holds: (value, match) => looksRandom(value) && !checksum.test(match[1] ?? ''),
  },
  prefixed('Replicate token', 'r8_', '[A-Za-z0-9]{37,40}'),
  {
    kind: 'Civitai key',
    needs: 'civitai',
    pattern: /civitai([^\n@/]{0,60}?)[\s=:"'(]\s{0,4}([0-9a-f]{32})(?![0-9A-Za-z])/gi,
    value: 2,
    holds: (value, match) => looksRandom(value) && !checksum.test(match[1] ?? ''),
  },
  prefixed('Groq key', 'gsk_', '[A-Za-z0-9]{48,60}'),
  prefixed('xAI key', 'xai-', '[A-Za-z0-9]{60,100}'),
  prefixed('NVIDIA key', 'nvapi-', '[A-Za-z0-9_-]{60,80}'),
  prefixed('LangSmith key', 'lsv2_', '(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}'),
  prefixed('Kaggle token', 'KGAT_', '[0-9a-f]{32}'),
  {
    kind: 'Kaggle key',
    needs: 'username',
    pattern: /"username"\s{0,4}:\s{0,4}"[^"\n]{1,60}"\s{0,4},\s{0,9}"key"\s{0,4}:\s{0,4}"([0-9a-f]{32})"/gi,
    value: 1,
  },
  prefixed('RunPod API key', 'rpa_', '[A-Za-z0-9]{30,80}'),
  prefixed('RunPod S3 secret', 'rps_', '[A-Za-z0-9]{30,80}'),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => prefixed('GitHub token', prefix, '[A-Za-z0-9]{36,255}')),
  prefixed('GitHub token', 'github_pat_', '[A-Za-z0-9_]{60,255}'),
  ...['pat', 'dt', 'rt', 'ft', 'ptt', 'cbt', 'imt', 'soat', 'agent'].map((name) =>
    prefixed('GitLab token', `gl${name}-`, '[A-Za-z0-9_.-]{20,100}'),
  ),
  prefixed('PyPI token', 'pypi-AgEI', '[A-Za-z0-9_-]{50,250}'),
  prefixed('npm token', 'npm_', '[A-Za-z0-9]{36}'),
  prefixed('Docker token', 'dckr_pat_', '[A-Za-z0-9_-]{24,40}'),
  prefixed('DigitalOcean token', 'dop_v1_', '[0-9a-f]{64}'),
  prefixed('SendGrid key', 'SG.', '[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{32,64}'),
  {
    kind: 'Azure storage key',
    needs: 'accountkey=',
    pattern: /AccountKey=([A-Za-z0-9+/]{86}==)/gi,
    value: 1,
  },
  prefixed('Google API key', 'AIza', '[A-Za-z0-9_-]{35}'),
  prefixed('Google client secret', 'GOCSPX-', '[A-Za-z0-9_-]{28}'),
  prefixed('Google access token', 'ya29.', '[A-Za-z0-9_-]{40,400}'),
  {
    kind: 'Google service account',
    needs: 'service_account',
    pattern: /"type"\s{0,9}:\s{0,9}"service_account"(?=[^]{0,4000}"private_key")/g,
    holds: () => true,
  },
  { kind: 'Slack token', needs: 'xox', pattern: word('xox', '[abeoprs]-[0-9A-Za-z-]{20,255}') },
  { kind: 'Slack token', needs: 'xapp-', pattern: word('xapp-', '[0-9]-[0-9A-Za-z-]{30,255}') },
  {
    kind: 'Slack webhook',
    needs: 'hooks.slack.com/',
    pattern: /hooks\.slack\.com\/services\/T[A-Z0-9]{6,}\/B[A-Z0-9]{6,}\/[A-Za-z0-9]{20,}/g,
  },
  ...['rk_live_', 'sk_live_'].map((prefix) => ({
    kind: 'Stripe key',
    needs: prefix,
    pattern: word(prefix, '[0-9A-Za-z]{20,255}'),
  })),
  {
    kind: 'password in an address',
    needs: '://',
    pattern:
      /:\/\/(?<=[a-z0-9]:\/\/)([^\s/:@"'`<>()[\]{}\\|]{0,100}):([^\s/@"'`<>()[\]{}\\|]{3,200})@([A-Za-z0-9.[-]{1,253})/gi,
    value: 2,
    holds: (value, match) =>
      isPassword(value) && value !== match[1] && !/^(?:example|your|sha256$)|\bexample\./i.test(match[3] ?? ''),
  },
  {
    kind: 'key in an address',
    needs: '://',
    pattern:
      /:\/\/[^\s"'`<>\\]{1,400}?[?&](?:token|api_?key|access_?token|auth_?token|key)=([A-Za-z0-9_.-]{24,400})(?![A-Za-z0-9_.-])/gi,
    value: 1,
    holds: (value) => /\d/.test(value) && looksRandom(value),
  },
  {
    kind: 'password of a .netrc',
    needs: 'machine',
    pattern: /\bmachine\s{1,9}\S{1,253}\s{1,9}login\s{1,9}\S{1,200}\s{1,9}password\s{1,9}(\S{6,200})/gi,
    value: 1,
    holds: isPassword,
  },
  {
    kind: 'private key',
    needs: 'PRIVATE KEY',
    // With some of the key behind it: programs that read keys name the line alone.
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])+(?:[A-Za-z-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{32}/g,
  },
];

/** The kinds in a text, each with the place of its value. */
export function* secretsInText(text: string): Generator<{ kind: string; at: number; end: number }> {
  let lower: string | undefined;
  for (const { kind, needs, pattern, value = 0, holds = looksRandom } of secretKinds) {
    const there = pattern.ignoreCase ? (lower ??= text.toLowerCase()).includes(needs) : text.includes(needs);
    if (!there) {
      continue;
    }
    for (const match of text.matchAll(pattern)) {
      const secret = match[value] ?? '';
      if (holds(secret, match)) {
        const end = match.index + match[0].length;
        yield { kind, at: match.index + match[0].lastIndexOf(secret), end };
      }
    }
  }
}

/** The kind of secret that a single value is by its form; what a person wrote into a project file is no placeholder. */
export function secretKindOf(value: string): string | undefined {
  return secretKinds.find(({ pattern }) => [...value.matchAll(pattern)].some(([text]) => !saysSo.test(text)))?.kind;
}

function isMixed(secret: string): boolean {
  return /[a-z]/.test(secret) && /[A-Z]/.test(secret) && /\d/.test(secret);
}

const saysSo = /example|placeholder|your[-_]|redacted|dummy|x{6}|\*{3}|1234567|abcdefg|deadbeef/i;

/** Real keys are random: they do not repeat a few letters, are not words, and do not say that they are none. */
function looksRandom(secret: string): boolean {
  const body = secret.slice(4);
  const isVaried = /\d/.test(secret) || (/[a-z]/.test(body) && /[A-Z]/.test(body));
  return isVaried && new Set(secret).size >= 10 && !saysSo.test(secret);
}

const noPassword =
  /^(?:(?:my|the|some|your|db|user|admin|test|root)?[-_.]?(?:pass(?:word|wort|wd|phrase)?|pw|pwd|secret|token|key|user(?:name)?)[\d!]{0,4}|postgres|mysql|mongo|redis|rabbitmq|guest|admin|root|test|changeme|hunter2|[x.]{3,}|%[sd(].*|\$.*|x-access-token|x-oauth-basic)$/i;

/** Something that a person or a program chose to be guessed by nobody. */
function isPassword(value: string): boolean {
  return (
    !noPassword.test(value) &&
    !saysSo.test(value) &&
    /[^a-z]/.test(value) &&
    !/^\d{1,5}$/.test(value) &&
    new Set(value).size >= 5
  );
}

/**
 * What kind of secrets a file holds by its name; undefined for others. Of `.pem` and `.key` files the content decides,
 * for certificates are no secrets.
 */
export function secretFileKind(path: string): string | undefined {
  const lower = path.toLowerCase();
  const name = lower.slice(lower.lastIndexOf('/') + 1);
  const inFolder = (folder: string): boolean => `/${lower}`.includes(`/${folder}/`);
  if (/^\.env(?:rc)?(?:\..+)?$/.test(name) && !/\.(?:example|sample|template|dist|md)$/.test(name)) {
    return 'environment file';
  }
  if (/^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/.test(name)) {
    return 'SSH key';
  }
  if (inFolder('.ssh') && !/^(?:config|known_hosts|authorized_keys)(?:\.old)?$|\.pub$/.test(name)) {
    return 'SSH key';
  }
  if (/\.(?:kdbx?|jks|keystore|p12|pfx|ppk)$/.test(name)) {
    return 'key store';
  }
  const known =
    passwordFiles.has(name) ||
    [...passwordPaths].some((end) => `/${lower}`.endsWith(`/${end}`)) ||
    /^kubeconfig|\.kubeconfig$/.test(name);
  return known ? 'credentials file' : undefined;
}

const passwordFiles = new Set([
  '.netrc',
  '_netrc',
  '.pgpass',
  '.git-credentials',
  '.htpasswd',
  '.pypirc',
  '.my.cnf',
  '.s3cfg',
  '.boto',
  '.vault-token',
  'kaggle.json',
  'application_default_credentials.json',
]);

const passwordPaths = new Set([
  '.aws/credentials',
  '.kube/config',
  '.docker/config.json',
  '.runpod/config.toml',
  '.huggingface/token',
  'huggingface/token',
  '.streamlit/secrets.toml',
  '.config/gh/hosts.yml',
  '.config/rclone/rclone.conf',
  '.azure/accesstokens.json',
]);
