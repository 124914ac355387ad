/** A kind of secret that is recognized in text. */
export interface SecretKind {
  kind: string;
  /** Must stand in the text as it is for the pattern to be tried; lower-case ones are looked for in any case. */
  needs: string;
  pattern: RegExp;
  /** Group of the pattern that holds the value; the whole match unless told. */
  value?: number;
  /** False for a mark beside a secret, which does not look random. */
  isRandom?: boolean;
}

/**
 * Keys that services give out, by the shape that their makers document. Placeholders (`sk-xxxx…`, `…EXAMPLE`) do not count.
 */
export const secretKinds: readonly SecretKind[] = [
  { kind: 'AWS access key', needs: 'AKIA', pattern: /(?<![A-Za-z0-9])AKIA[A-Z2-7]{16}(?![A-Za-z0-9])/g },
  { kind: 'AWS access key', needs: 'ASIA', pattern: /(?<![A-Za-z0-9])ASIA[A-Z2-7]{16}(?![A-Za-z0-9])/g },
  {
    kind: 'AWS secret key',
    needs: 'aws_secret_access_key',
    pattern: /aws_secret_access_key["']?\s{0,9}[=:]\s{0,9}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/gi,
    value: 1,
  },
  { kind: 'Hugging Face token', needs: 'hf_', pattern: /(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{30,60}(?![A-Za-z0-9_])/g },
  {
    kind: 'OpenAI or Anthropic key',
    needs: 'sk-',
    pattern: /(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{32,220}(?![A-Za-z0-9_-])/g,
  },
  {
    kind: 'Weights & Biases key',
    needs: 'wandb',
    pattern: /wandb[^\n@/]{0,60}?[\s=:"'(]\s{0,4}((?:wandb_v1_)?[0-9a-f]{40})(?![0-9A-Za-z])/gi,
    value: 1,
  },
  { kind: 'RunPod API key', needs: 'rpa_', pattern: /(?<![A-Za-z0-9_])rpa_[A-Za-z0-9]{30,80}(?![A-Za-z0-9_])/g },
  { kind: 'RunPod S3 secret', needs: 'rps_', pattern: /(?<![A-Za-z0-9_])rps_[A-Za-z0-9]{30,80}(?![A-Za-z0-9_])/g },
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => ({
    kind: 'GitHub token',
    needs: prefix,
    pattern: new RegExp(`(?<![A-Za-z0-9_])${prefix}[A-Za-z0-9]{36,255}(?![A-Za-z0-9_])`, 'g'),
  })),
  {
    kind: 'GitHub token',
    needs: 'github_pat_',
    pattern: /(?<![A-Za-z0-9_])github_pat_[A-Za-z0-9_]{60,255}(?![A-Za-z0-9_])/g,
  },
  { kind: 'GitLab token', needs: 'glpat-', pattern: /(?<![A-Za-z0-9_-])glpat-[A-Za-z0-9_-]{20,64}/g },
  { kind: 'Google API key', needs: 'AIza', pattern: /(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g },
  {
    kind: 'Google service account',
    needs: 'service_account',
    pattern: /"type"\s{0,9}:\s{0,9}"service_account"(?=[^]{0,4000}"private_key")/g,
    isRandom: false,
  },
  { kind: 'Slack token', needs: 'xox', pattern: /(?<![A-Za-z0-9])xox[abeoprs]-[0-9A-Za-z-]{20,255}/g },
  {
    kind: 'Slack webhook',
    needs: 'hooks.slack.com/',
    pattern: /hooks\.slack\.com\/services\/T[A-Z0-9]{6,}\/B[A-Z0-9]{6,}\/[A-Za-z0-9]{20,}/g,
  },
  { kind: 'Stripe key', needs: 'k_live_', pattern: /(?<![A-Za-z0-9])[rs]k_live_[0-9A-Za-z]{20,255}/g },
  {
    kind: 'private key',
    needs: 'PRIVATE KEY',
    // With some of the key behind it: programs that read keys name the line alone.
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])+(?:[A-Za-z-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{32}/g,
  },
];

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
