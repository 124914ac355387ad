import type { TextForm } from './text-form.ts';

/** A kind of secret that is recognized in text. */
export interface SecretKind {
  kind: string;
  /** Must stand in the text as it is for the pattern to be tried; lower-case ones are looked for in any case. */
  needs: string;
  pattern: RegExp;
  /** Group of the pattern that holds the value; the whole match unless told. */
  value?: number;
  /** What is asked of a value that fits; whether it looks random unless told. */
  holds?: (value: string, match: RegExpExecArray, form: TextForm) => boolean;
  /** Only what stands beside it tells that it is one: it does not count where most are made up. */
  isNamed?: boolean;
  /** The value begins and ends by itself: it counts also where letters touch it. */
  isMarked?: boolean;
}

// What was written where a secret stands: a secret, or something that stands for one.

const saysSo = /example|placeholder|your[-_]|redacted|dummy|x{6}|\*{3}|1234567|abcdefg|deadbeef/i;

/** Whether a text says of itself that it is no secret. */
export function isPlaceholder(text: string): boolean {
  return saysSo.test(text);
}

export function isMixed(secret: string): boolean {
  return /[a-z]/.test(secret) && /[A-Z]/.test(secret) && /\d/.test(secret);
}

/** Real keys are random: they do not repeat a few letters, are not words, and do not say that they are none. */
export function looksRandom(secret: string): boolean {
  const body = secret.slice(4);
  const isVaried = /\d/.test(secret) || (/[a-z]/.test(body) && /[A-Z]/.test(body));
  return isVaried && new Set(secret).size >= 10 && !isPlaceholder(secret);
}

/** A key of which no prefix tells: letters of both cases with some digits, or a hash's length of hexadecimal digits. */
export function isKey(value: string): boolean {
  const isHex = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{48}|[0-9a-f]{64})$/.test(value);
  return (isHex || (isMixed(value) && (value.match(/\d/g)?.length ?? 0) >= 3)) && looksRandom(value);
}

/** Letters and digits by turns, or capitals beside each other among small letters, as no word and no name has them. */
export function isScrambled(text: string): boolean {
  const pairs = text.match(/(?=[A-Za-z]\d|\d[A-Za-z])/g)?.length ?? 0;
  const capitals = /[a-z]/.test(text) ? (text.match(/(?=[A-Z]{2})/g)?.length ?? 0) : 0;
  return pairs + capitals >= Math.max(2, text.length / 12);
}

/** Tells where the value is, and is none itself: of a shell, a template, a file, a store of secrets, a part of YAML. */
export function isReference(value: string): boolean {
  return /^(?:\.{0,2}\/|~\/|[A-Za-z]:\\|[!*&][a-z_]\w*$|(?:var|local|data|module|self|env|secrets?|vault|ssm|arn|op|sm|ref|file|os|process|settings|config|cfg|args|opt|options|self|params|ctx)[.:+]|[\w.]+\()|\$\(|\w\[\W|\.{3}$/.test(
    value,
  );
}

/** Names an object; nobody is let in by it. */
export function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

/** A signed token of a manual, or one that is over. */
export function isVoidToken(value: string): boolean {
  const payload = /^eyJ[\w-]+\.(eyJ[\w-]+)\./.exec(value)?.[1];
  if (payload === undefined) {
    return false;
  }
  const said = Buffer.from(payload, 'base64url').toString('latin1');
  const until = Number(/"exp"\s*:\s*(\d+)/.exec(said)?.[1] ?? Number.POSITIVE_INFINITY);
  return isPlaceholder(said) || /john ?doe|"joe"/i.test(said) || until * 1000 < Date.now();
}

/** Of these words is made what manuals write for a password. */
const words = new Set(
  `a an and at for in is me my no not of on or our real some the this to very with your here please
  pleasechange put insert enter replace set change fill todo fixme none null nil undefined empty hidden masked
  removed user users usr name login account admin administrator root guest owner anonymous test tests testing
  tester dev prod demo sample dummy fake default example it pass passes password passwd passwort passphrase
  passcode word pw pwd secret secrets token key api auth oauth basic bearer access credential credentials cred
  creds db data database sql postgres postgresql pg mysql maria mariadb mongo mongodb redis rabbit rabbitmq
  amqp oracle scott tiger sa neo elastic airflow mlflow minio grafana jupyter docker app application service
  server client bot ci web http https proxy host local localhost public private internal hello world x foo bar
  baz qux spam eggs abc abcd xyz qwerty letmein welcome hunter monkey dragon joe bob bobby alice john jane doe
  smith super strong secure safe simple long random string value text man any thing something more new old
  complex valid invalid wrong right correct incorrect bad good better best great weak short tiny quick fresh
  initial temp temporary tmp unit integration mock stub spec fixture expected actual first second third one two
  anon cvs anoncvs three four five six seven eight nine ten asdf asdfgh qwert zxcv zxcvbn iloveyou football baseball master shadow
  sunshine princess pwned cool mine yours his her field input label title confirm confirmation repeat
  current previous same different another email mail phone address id code pin hash encrypted plain raw`.split(/\s+/),
);
const longestWord = Math.max(...Array.from(words, (word) => word.length));

/** `p4ssw0rd` is a word too. */
const letterFor: Record<string, string> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' };

/** What a program puts the password in place of. */
const template =
  /^\$\w+$|[$#%]?\{|\$\(|^%(?:s|v|d)$|^%\(\w+\)|^%\w+%$|^<.*>$|^\[.*\]$|^[A-Z]+(?:_[A-Z]+)+$|^(?:x-)?(?:access|oauth)[-_](?:token|basic)$/;

/** Where the address leads decides about what could be either. */
export interface PasswordPlace {
  user?: string | undefined;
  host?: string | undefined;
}

/** Something that a person or a program chose to be guessed by nobody. */
export function isPassword(written: string, { user = '', host = '' }: PasswordPlace = {}): boolean {
  const value = percentDecoded(written);
  if (template.test(written) || template.test(value) || isPlaceholder(value) || new Set(value).size < 5) {
    return false;
  }
  const lower = value.toLowerCase();
  if (lower === user.toLowerCase() || /^\d{1,8}$/.test(value) || isWords(withoutNumber(lower))) {
    return false;
  }
  if (/^(?:example|your)|\bexample\.|\.(?:test|invalid|example)$/i.test(host)) {
    // Manuals and tests write these; a key is one there too.
    return value.length >= 16 && isMixed(value) && looksRandom(value);
  }
  if (
    (!host.includes('.') || /^(?:user(?:name)?|anonymous)$/i.test(user)) &&
    (isLeet(lower) || isLeet(withoutNumber(lower)))
  ) {
    return false;
  }
  // A word may be one of a manual; what nobody can say is none.
  return (
    /[^a-z\x80-\uffff]/i.test(value) ||
    /[a-z][A-Z]|[A-Z]{2}[a-z]/.test(value) ||
    /[bcdfghjklmnpqrstvwxz]{5}/.test(lower)
  );
}

/** Whether a text in base64 is a user with a password. */
export function isLogin(value: string): boolean {
  const [user = '', ...rest] = Buffer.from(value, 'base64').toString('latin1').split(':');
  const said = rest.join(':');
  return (
    /^[\x21-\x7e]+$/.test(user) && /^[\x20-\x7e]{3,}$/.test(said) && !isReference(said) && isPassword(said, { user })
  );
}

/** Whether a text is such words and signs one after another, however they are cut. */
function isWords(text: string): boolean {
  if (text.length > 64) {
    return false;
  }
  const isEnd = [true];
  for (let at = 0; at < text.length; at += 1) {
    if (isEnd[at] === true) {
      isEnd[at + 1] ||= /[^a-z0-9]/.test(text[at] ?? '');
      for (let length = 1; length <= longestWord; length += 1) {
        isEnd[at + length] ||= words.has(text.slice(at, at + length));
      }
    }
  }
  return isEnd[text.length] === true;
}

/** Without the number that stands behind the words. */
function withoutNumber(lower: string): string {
  return lower.replace(/\d{1,6}(?=\W*$)/, '');
}

function isLeet(lower: string): boolean {
  return isWords(Array.from(lower, (letter) => letterFor[letter] ?? letter).join(''));
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
