import { Needles } from './needles.ts';
import { commandKinds } from './secret-commands.ts';
import { passwordKinds } from './secret-passwords.ts';
import { settingKinds } from './secret-settings.ts';
import { isKey, isMixed, isPlaceholder, isScrambled, looksRandom, type SecretKind } from './secret-values.ts';
import { anyText, type TextForm } from './text-form.ts';

/** A word that begins with a prefix. */
function word(prefix: string, body: string): RegExp {
  return new RegExp(`${prefix.replace('.', '\\.')}${body}`, 'g');
}

function prefixed(kind: string, prefix: string, body: string, holds?: SecretKind['holds']): SecretKind {
  return { kind, needs: prefix, pattern: word(prefix, body), isMarked: true, ...(holds && { holds }) };
}

/** Where a word begins: also after an escape of JSON or of an address, and after the end of a color. */
const begins = /(?:^|[^A-Za-z0-9_-]|\\(?:[nrt]|u00[0-9a-fA-F]{2}|x[0-9a-fA-F]{2})|%[0-9A-Fa-f]{2}|\[[0-9;]{1,12}m)$/;
/** So much before a word tells whether it is a part of something else. */
export const context = 64;

/**
 * Whether a marked word stands for itself, and is no part of a longer one: in a name or behind other letters it has to be
 * in no order, and what is before it must not be.
 */
function standsAlone(text: string, at: number, value: string): boolean {
  const before = text.slice(Math.max(0, at - context), at);
  const [run = ''] = /[A-Za-z0-9_-]*$/.exec(before) ?? [];
  const isTouched = !begins.test(before) || /^[A-Za-z0-9_-]/.test(text.slice(at + value.length, at + value.length + 1));
  if (!isTouched) {
    return true;
  }
  const isShort = /^(?:sk-|SG\.)/.test(value) && /[A-Za-z0-9]$/.test(run) && !begins.test(before);
  return !isShort && !(run.length >= 32 && isScrambled(run)) && isScrambled(value.slice(4));
}

/** Between the name of a variable and its value. */
const assigned = String.raw`["'\\\]]{0,4}\s{0,4}(?:[=:,(]|=>)\s{0,4}[\\]?["']?`;
/** Between a name and its value in JSON and in a dict of Python. */
const is = String.raw`["']\s{0,4}:\s{0,4}["']`;
/** Words after which 40 hexadecimal digits are a commit or a checksum. */
const checksum = /rev|commit|sha|hash|digest|checksum|resolved|reference|version|tag|tree|blob|\bid\b|md5|git/i;

/** Hexadecimal digits of which only the words before tell what they are: whose, that it is a key, and nothing else. */
function hexKey(kind: string, needs: string, digits: string): SecretKind {
  const named = String.raw`${needs}[^@/]{0,120}?(?:key|login|token|password|secret|auth)(?![a-z])`;
  return {
    kind,
    needs,
    pattern: new RegExp(String.raw`${named}([^\r\n@/]{0,60}?)[\s=:"'(]\s{0,4}(${digits})(?![0-9A-Za-z])`, 'gi'),
    value: 2,
    holds: (value, match) => looksRandom(value) && !checksum.test(match[1] ?? ''),
  };
}

/** A class of a style sheet is made of words; somewhere in a key is a stretch that is not. */
function hasRandomRun(value: string): boolean {
  return value.split(/[-_]/).some((run) => run.length >= 16 && (isKey(run) || isMixed(run))) && looksRandom(value);
}

/**
 * Keys that services give out, by the shape that their makers document. Placeholders (`sk-xxxx…`, `…EXAMPLE`) do not
 * count. The one list: for files that leave this machine, for outputs of notebooks and for the project file itself.
 */
export const secretKinds: readonly SecretKind[] = [
  ...['AKIA', 'ASIA'].map((prefix) =>
    // Some have no digit.
    prefixed('AWS access key', prefix, '[A-Z2-7]{16}', (value) => new Set(value).size >= 9 && !isPlaceholder(value)),
  ),
  {
    kind: 'AWS secret key',
    needs: 'secret',
    // Also as a word behind it, for `aws configure set`.
    pattern: new RegExp(
      `(?:secret_?(?:access_?)?key|aws_secret)(?:${assigned}|\\s{1,4})([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])`,
      'gi',
    ),
    value: 1,
    holds: (value) => isMixed(value) && looksRandom(value),
  },
  prefixed('Hugging Face token', 'hf_', '[A-Za-z0-9]{30,60}'),
  prefixed('Hugging Face token', 'api_org_', '[A-Za-z0-9]{30,60}'),
  prefixed('Anthropic key', 'sk-ant-', '[A-Za-z0-9_-]{32,220}', hasRandomRun),
  prefixed('OpenAI key', 'sk-', '(?!ant-|or-v1-)[A-Za-z0-9_-]{32,220}', hasRandomRun),
  prefixed('OpenRouter key', 'sk-or-', 'v1-[0-9a-f]{64}'),
  prefixed('Weights & Biases key', 'wandb_v1_', '[A-Za-z0-9_-]{31,200}'),
  hexKey('Weights & Biases key', 'wandb', '(?:local-)?[0-9a-f]{40}'),
  prefixed('Replicate token', 'r8_', '[A-Za-z0-9]{37,40}'),
  hexKey('Civitai key', 'civitai', '[0-9a-f]{32}'),
  prefixed('Groq key', 'gsk_', '[A-Za-z0-9]{48,60}'),
  prefixed('xAI key', 'xai-', '[A-Za-z0-9]{60,100}'),
  prefixed('NVIDIA key', 'nvapi-', '[A-Za-z0-9_-]{60,80}'),
  prefixed('LangSmith key', 'lsv2_', '(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}'),
  prefixed('Kaggle token', 'KGAT_', '[0-9a-f]{32}'),
  ...[
    String.raw`username${is}[^"'\n]{1,60}["']\s{0,4},\s{0,9}["']key${is}([0-9a-f]{32})["']`,
    String.raw`key${is}([0-9a-f]{32})["']\s{0,4},\s{0,9}["']username${is}`,
    String.raw`kaggle_key${assigned}([0-9a-f]{32})(?![0-9A-Za-z])`,
  ].map((text) => ({
    kind: 'Kaggle key',
    needs: text.startsWith('kaggle') ? 'kaggle' : 'username',
    pattern: new RegExp(text, 'gi'),
    value: 1,
  })),
  prefixed('RunPod API key', 'rpa_', '[A-Za-z0-9]{30,80}'),
  prefixed('RunPod S3 secret', 'rps_', '[A-Za-z0-9]{30,80}'),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => prefixed('GitHub token', prefix, '[A-Za-z0-9]{36,255}')),
  prefixed('GitHub token', 'github_pat_', '[A-Za-z0-9_]{60,255}'),
  ...['pat', 'dt', 'rt', 'ft', 'ptt', 'cbt', 'imt', 'soat', 'agent'].map((name) =>
    prefixed('GitLab token', `gl${name}-`, '[A-Za-z0-9_.-]{20,100}'),
  ),
  prefixed('PyPI token', 'pypi-AgEI', '[A-Za-z0-9_-]{50,250}'),
  prefixed('npm token', 'npm_', '[A-Za-z0-9]{36}'),
  ...['dckr_pat_', 'dckr_oat_'].map((prefix) => prefixed('Docker token', prefix, '[A-Za-z0-9_-]{24,40}')),
  ...['dop_v1_', 'doo_v1_', 'dor_v1_'].map((prefix) => prefixed('DigitalOcean token', prefix, '[0-9a-f]{64}')),
  prefixed('Databricks token', 'dapi', '[0-9a-f]{32}(?:-\\d)?'),
  prefixed('Together key', 'tgp_v1_', '[A-Za-z0-9_-]{40,60}'),
  prefixed('Perplexity key', 'pplx-', '[A-Za-z0-9]{40,64}'),
  prefixed('Pinecone key', 'pcsk_', '[A-Za-z0-9_]{50,90}'),
  prefixed('Grafana token', 'glsa_', '[A-Za-z0-9]{32}_[0-9a-fA-F]{8}'),
  prefixed('Vault token', 'hvs.', '[A-Za-z0-9_-]{24,200}'),
  prefixed('Neptune token', 'eyJhcGlf', '[A-Za-z0-9+/=_-]{60,400}'),
  prefixed('1Password token', 'ops_eyJ', '[A-Za-z0-9_-]{100,2000}'),
  prefixed('Tailscale key', 'tskey-', '(?:auth|api|client)-[A-Za-z0-9-]{20,80}'),
  prefixed('age key', 'AGE-SECRET-KEY-1', '[A-Z0-9]{58}'),
  prefixed('SendGrid key', 'SG.', '[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{32,64}'),
  { kind: 'Azure storage key', needs: 'accountkey=', pattern: /AccountKey=([A-Za-z0-9+/]{86}==)/gi, value: 1 },
  { kind: 'Azure access key', needs: 'accesskey=', pattern: /SharedAccessKey=([A-Za-z0-9+/]{43}=)/gi, value: 1 },
  prefixed('Google API key', 'AIza', '[A-Za-z0-9_-]{35}'),
  prefixed('Google client secret', 'GOCSPX-', '[A-Za-z0-9_-]{28}'),
  prefixed('Google access token', 'ya29.', '[A-Za-z0-9_-]{40,400}'),
  {
    kind: 'Google service account',
    needs: 'service_account',
    pattern: /"type"\s{0,9}:\s{0,9}"service_account"(?=[^]{0,4000}"private_key")/g,
    holds: () => true,
  },
  prefixed('Slack token', 'xox', '[abeoprs]-[0-9A-Za-z-]{20,255}'),
  prefixed('Slack token', 'xapp-', '[0-9]-[0-9A-Za-z-]{30,255}'),
  {
    kind: 'Slack webhook',
    needs: 'hooks.slack.com/',
    pattern: /hooks\.slack\.com\/services\/T[A-Z0-9]{6,}\/B[A-Z0-9]{6,}\/[A-Za-z0-9]{20,}/g,
  },
  {
    kind: 'Discord webhook',
    needs: '/api/webhooks/',
    pattern: /discord(?:app)?\.com\/api\/webhooks\/\d{16,20}\/([A-Za-z0-9_-]{60,80})/g,
    value: 1,
  },
  {
    kind: 'Telegram token',
    needs: ':AA',
    pattern: /(?<![A-Za-z0-9_-])(?:bot)?\d{8,10}:(AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])/g,
    value: 1,
  },
  ...['rk_live_', 'sk_live_'].map((prefix) => prefixed('Stripe key', prefix, '[0-9A-Za-z]{20,255}')),
  ...passwordKinds,
  {
    kind: 'private key',
    needs: 'PRIVATE KEY',
    // With some of the key behind it: programs that read keys name the line alone.
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])+(?:[A-Za-z-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{32}/g,
  },
  {
    kind: 'private key',
    // The same in base64, as a kubeconfig has it.
    needs: 'LS0tLS1CRUdJTi',
    pattern: /LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,60}(?:UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW)[A-Za-z0-9+/]{32}/g,
  },
  ...['api_key', 'api_token', 'auth_token', 'access_token', 'secret_key', 'client_secret']
    .flatMap((name) => [name, name.replace('_', '')])
    .map((name) => ({
      kind: 'key in a variable',
      needs: name,
      pattern: new RegExp(`${name}${assigned}([A-Za-z0-9+/_-]{20,200}={0,2})(?![A-Za-z0-9+/_=.(-])`, 'gi'),
      value: 1,
      holds: isKey,
    })),
  {
    kind: 'key in a header',
    needs: 'bearer',
    pattern: /authorization["'\\]{0,4}\s{0,4}[:,=]\s{0,4}[\\]?["']?bearer\s{1,4}([A-Za-z0-9+/_.-]{20,400}={0,2})/gi,
    value: 1,
    holds: isKey,
  },
  ...commandKinds,
  ...settingKinds,
];

/** Stands before what is a part of a picture or of another file in base64. */
const encoded = /[A-Za-z0-9+/]{100}$/;

const needles = new Needles(secretKinds.map(({ needs }) => needs));

/** The kinds in a text, each with the place of its value. */
export function* secretsInText(
  text: string,
  form: TextForm = anyText,
): Generator<{ kind: string; at: number; end: number; value: string; isMarked: boolean }> {
  const there = needles.in(text);
  const taken = new Map<number, number>();
  for (const { kind, needs, pattern, value = 0, holds = looksRandom, isNamed, isMarked } of secretKinds) {
    if (!there.has(needs)) {
      continue;
    }
    for (const match of text.matchAll(pattern)) {
      const secret = match[value] ?? '';
      const at = match.index + match[0].lastIndexOf(secret);
      const isTold = (taken.get(at) ?? taken.get(at + secret.length)) !== undefined;
      const counts =
        !isTold &&
        holds(secret, match, form) &&
        (isMarked !== true || standsAlone(text, at, secret)) &&
        (isNamed !== true || !form.isMadeUp);
      if (counts && !encoded.test(text.slice(Math.max(0, at - 100), at))) {
        // What a kind of its own tells is not told again by one that says less.
        taken.set(at, at).set(at + secret.length, at);
        yield { kind, at, end: match.index + match[0].length, value: secret, isMarked: isMarked === true };
      }
    }
  }
}

/** The kind of secret that a single value is by its form; what a person wrote into a project file is no placeholder. */
export function secretKindOf(value: string): string | undefined {
  return secretKinds.find(
    ({ pattern, isNamed, isMarked }) =>
      isNamed !== true &&
      [...value.matchAll(pattern)].some(
        ({ 0: text, index }) =>
          !isPlaceholder(text) &&
          (isMarked !== true || begins.test(value.slice(0, index)) || standsAlone(value, index, text)),
      ),
  )?.kind;
}
