import { parseJson } from '../json.ts';
import { isPlaceholder } from './secret-values.ts';

/** A file that its name tells to hold secrets. */
export interface SecretFile {
  kind: string;
  /** Whether the text of this one holds none: it is a file of that kind, and nothing is filled in. */
  holdsNone: (text: string) => boolean;
}

/**
 * What kind of secrets a file holds by its name; undefined for others. Of `.pem` and `.key` files the content decides,
 * for certificates are no secrets.
 */
export function secretFile(path: string): SecretFile | undefined {
  const lower = path.toLowerCase();
  const name = lower.slice(lower.lastIndexOf('/') + 1);
  const inFolder = (folder: string): boolean => `/${lower}`.includes(`/${folder}/`);
  if (/^\.env(?:rc)?(?:[.-].+)?$/.test(name) && !aboutOthers.test(name)) {
    const isScript = name.startsWith('.envrc');
    return { kind: 'environment file', holdsNone: (text) => isUnfilled(text, isScript) };
  }
  if (/^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/.test(name)) {
    return { kind: 'SSH key', holdsNone: isBlank };
  }
  if (
    inFolder('.ssh') &&
    !/^(?:config|known_hosts2?|authorized_keys2?|readme)(?:\.old)?$|\.(?:pub|md|txt)$/.test(name)
  ) {
    return { kind: 'SSH key', holdsNone: isBlank };
  }
  if (/\.(?:kdbx?|jks|keystore|p12|pfx|ppk)$/.test(name)) {
    return { kind: 'key store', holdsNone: isBlank };
  }
  const isKubeconfig = /^kubeconfig(?:[.-][\w.-]+)?$|\.kubeconfig$/.test(name) && !isCode.test(name);
  const known =
    passwordFiles.get(name) ??
    [...passwordPaths].find(([end]) => `/${lower}`.endsWith(`/${end}`))?.[1] ??
    (isKubeconfig ? kubernetes : undefined);
  return known && !aboutOthers.test(name) ? { kind: 'credentials file', holdsNone: known } : undefined;
}

/** Shows how such a file looks, or is written in a language that reads them. */
const aboutOthers =
  /[.-](?:examples?|samples?|templates?|tmpl|tpl|dist|schema|vault|defaults?|j2|md|rst|txt)(?:[.-]|$)|\.(?:py|pyi|js|mjs|cjs|ts|tsx|go|rs|rb|java|sh|ipynb|html|css)$/;
const isCode = /\.(?:py|pyi|js|mjs|cjs|ts|tsx|go|rs|rb|java|sh|ipynb|html|css)$/;

/** Variables that say how a program runs and let nobody in. */
const harmless =
  /^(?:PYTHON\w+|PATH|LD_LIBRARY_PATH|TZ|LANG|LC_\w+|(?:\w+_)?(?:DEBUG|PORT|LOG_?LEVEL|ENV|ENVIRONMENT|NUM_THREADS|VISIBLE_DEVICES|PARALLELISM|OFFLINE|VERBOSE|VERBOSITY|HOME|CACHE|DIR))$/;

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/).map((line) => line.trim());
}

/** Of a file of variables: none has a value, or none whose name does not say that it is harmless. */
function isUnfilled(text: string, isScript: boolean): boolean {
  return linesOf(text).every((line) => {
    const [, name = '', written = ''] = /^(?:export\s+|set\s+)?([A-Za-z_][\w.]*)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (line === '' || line.startsWith('#') || name === '') {
      return line === '' || line.startsWith('#') || isScript;
    }
    const value = written
      .replace(/^(["'])(.*?)\1.*$/, '$2')
      .replace(/(?:^|\s)#.*$/, '')
      .trim();
    return (
      value === '' ||
      harmless.test(name) ||
      isPlaceholder(value) ||
      /^(?:<.*>|\$\{?\w+\}?|\$\(.*\)|change-?me)$/i.test(value)
    );
  });
}

/** Of a file with lines like these: none of them has a value. */
function unfilledWhere(form: RegExp, secret: RegExp): (text: string) => boolean {
  return (text) => {
    const lines = linesOf(text).filter((line) => line !== '' && !/^[#;]/.test(line));
    return lines.every((line) => form.test(line)) && !lines.some((line) => secret.test(line));
  };
}

const isIni = /^\[|^[\w.-]+\s*[=:]|^\S+$/;
const ini = unfilledWhere(isIni, /(?:pass|secret|token|key|credential|auth)\w*\s*[=:]\s*[^\s<]/i);
const netrc = unfilledWhere(/^(?:machine|default|login|user|account|macdef|password)\b/, /\bpassword\s+[^\s<]/);
const kubernetes = unfilledWhere(
  /^(?:- )?[\w.-]+:|^- |^[{}[\]]/,
  /(?:token|password|client-key(?:-data)?|secret|id-token|refresh-token|auth-provider)["']?:\s*["']?[^\s"'<]/,
);

/** JSON in which no field under a name like these holds a text. */
function unfilledJson(secret: RegExp): (text: string) => boolean {
  const holds = (value: unknown, name: string): boolean =>
    typeof value === 'string'
      ? secret.test(name) && value !== '' && !isPlaceholder(value) && !/^<.*>$|^your/i.test(value)
      : typeof value === 'object' && value !== null && Object.entries(value).some(([key, inner]) => holds(inner, key));
  return (text) => {
    const value = parseJson(text.replace(/^\uFEFF/, ''));
    return isBlank(text) || (typeof value === 'object' && !holds(value, ''));
  };
}

const passwordFiles = new Map<string, (text: string) => boolean>([
  ['.netrc', netrc],
  ['_netrc', netrc],
  ['.pgpass', unfilledWhere(/^$/, /./)],
  ['.git-credentials', unfilledWhere(/^https?:\/\/[^:@]*$/, /^$/)],
  ['.htpasswd', isBlank],
  ['.pypirc', ini],
  ['.my.cnf', ini],
  ['.s3cfg', ini],
  ['.boto', ini],
  ['.vault-token', isBlank],
  ['kaggle.json', unfilledJson(/^key$/)],
  ['application_default_credentials.json', unfilledJson(/secret|token|key/)],
]);

const passwordPaths = new Map<string, (text: string) => boolean>([
  ['.aws/credentials', ini],
  ['.kube/config', kubernetes],
  ['.docker/config.json', unfilledJson(/^(?:auth|password|identitytoken|registrytoken)$/)],
  ['.runpod/config.toml', ini],
  ['.huggingface/token', isBlank],
  ['huggingface/token', isBlank],
  ['.streamlit/secrets.toml', unfilledWhere(isIni, /[=]\s*["']?[^\s"'<]/)],
  ['.config/gh/hosts.yml', kubernetes],
  ['.config/rclone/rclone.conf', ini],
  ['.azure/accesstokens.json', unfilledJson(/token/i)],
]);
