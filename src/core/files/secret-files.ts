import { parseJson } from '../json.ts';
import { isPlaceholder, isReference } from './secret-values.ts';

export const secretFileKinds = ['environment file', 'credentials file', 'SSH key', 'key store'] as const;

/** A file that its name tells to hold secrets. */
export interface SecretFile {
  kind: (typeof secretFileKinds)[number];
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
  if (known !== undefined) {
    return aboutOthers.test(name) ? undefined : { kind: 'credentials file', holdsNone: known };
  }
  return isEnvironment.test(name) && !aboutOthers.test(name.replace(/\.sh$/, ''))
    ? { kind: 'environment file', holdsNone: name.endsWith('.json') ? isUnfilledJson : isUnnamed }
    : undefined;
}

/** Shows how such a file looks, or is written in a language that reads them. */
const aboutOthers =
  /[.-](?:examples?|samples?|templates?|tmpl|tpl|dist|schema|vault|defaults?|j2|md|rst|txt)(?:[.-]|$)|\.(?:py|pyi|js|mjs|cjs|ts|tsx|go|rs|rb|java|sh|ipynb|html|css)$/;
const isCode = /\.(?:py|pyi|js|mjs|cjs|ts|tsx|go|rs|rb|java|sh|ipynb|html|css)$/;

/** Other names of such files; what they have besides secrets may go. */
const isEnvironment =
  /^(?:[\w.-]*[._-])?(?:env(?:rc|iron|ironment|vars?)?|setenv|secrets?|credentials|renviron|flaskenv)(?:[._-][\w.-]*)?$|^(?:local\.settings|appsettings(?:\.\w+)?)\.json$/;

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
    return harmless.test(name) || standsForNone(plainValue(written));
  });
}

function plainValue(written: string): string {
  return written
    .replace(/^(["'])(.*?)\1.*$/, '$2')
    .replace(/(?:^|\s)#.*$/, '')
    .replace(/,$/, '')
    .trim();
}

/** Nothing, or something in the place of a value. */
function standsForNone(value: string): boolean {
  return value === '' || isPlaceholder(value) || /^(?:<.*>|\$\{?\w+\}?|\$\(.*\)|%\w+%|change-?me)$/i.test(value);
}

/** A variable that says by its name that its value lets somebody in. */
const secretName =
  /(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|auth|private|secret|account|signing|encryption|service|license|master|shared|wandb|hf|storage|deploy|webhook)_?key|credentials?|connection_?string|dsn|sas)\d?$/i;
const openName = /(?:^|_)(?:pad|eos|bos|unk|sep|cls|mask|max|min|num|use|by|com|public)_?\w*$/i;

function holdsSecret(name: string, value: string): boolean {
  return (
    secretName.test(name) &&
    !openName.test(name) &&
    !standsForNone(value) &&
    !isReference(value) &&
    !/^(?:true|false|null|none|\d+|[[{|>].*)$/i.test(value)
  );
}

/** Of a file of settings: no name that says so has a value. */
function isUnnamed(text: string): boolean {
  return linesOf(text).every((line) => {
    const [, name = '', written = ''] =
      /^(?:-\s+)?(?:export\s+|set\s+|\$env:)?["']?([A-Za-z_][\w.-]*)["']?\s*[=:]\s*(.*)$/i.exec(line) ?? [];
    return !holdsSecret(name, plainValue(written));
  });
}

function isUnfilledJson(text: string): boolean {
  const holds = (value: unknown, name: string): boolean =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).some(([key, inner]) => holds(inner, Array.isArray(value) ? name : key))
      : typeof value === 'string' && holdsSecret(name, value);
  return !holds(parseJson(text.replace(/^\uFEFF/, '')), '');
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
const pgpass = unfilledWhere(/^$/, /./);
const pip = unfilledWhere(isIni, /:\/\/[^\s/:@$]*:[^\s/@$]+@/);
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

const docker = unfilledJson(/^(?:auth|password|identitytoken|registrytoken)$/);

const passwordFiles = new Map<string, (text: string) => boolean>([
  ['.netrc', netrc],
  ['_netrc', netrc],
  ['.pgpass', pgpass],
  ['.git-credentials', unfilledWhere(/^https?:\/\/[^:@]*$/, /^$/)],
  ['pgpass', pgpass],
  ['pgpass.conf', pgpass],
  ['.htpasswd', isBlank],
  ['.pypirc', ini],
  ['.my.cnf', ini],
  ['my.cnf', ini],
  ['pip.conf', pip],
  ['pip.ini', pip],
  ['.dockercfg', docker],
  ['.databrickscfg', ini],
  ['.cdsapirc', ini],
  ['.s3cfg', ini],
  ['.boto', ini],
  ['.vault-token', isBlank],
  ['kaggle.json', unfilledJson(/^key$/)],
  ['application_default_credentials.json', unfilledJson(/secret|token|key/)],
]);

const passwordPaths = new Map<string, (text: string) => boolean>([
  ['.aws/credentials', ini],
  ['.kube/config', kubernetes],
  ['.docker/config.json', docker],
  ['.cargo/credentials.toml', ini],
  ['.runpod/config.toml', ini],
  ['.huggingface/token', isBlank],
  ['huggingface/token', isBlank],
  ['.streamlit/secrets.toml', unfilledWhere(isIni, /[=]\s*["']?[^\s"'<]/)],
  ['.config/gh/hosts.yml', kubernetes],
  ['.config/rclone/rclone.conf', ini],
  ['.azure/accesstokens.json', unfilledJson(/token/i)],
]);
