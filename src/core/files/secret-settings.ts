import {
  isKey,
  isLogin,
  isMixed,
  isPassword,
  isReference,
  isUuid,
  isVoidToken,
  looksRandom,
  type SecretKind,
} from './secret-values.ts';

import { formOf, type TextForm } from './text-form.ts';

// Passwords and keys of which the name beside them tells what they are, and nothing about their form.

const quote = String.raw`\\{0,3}["']`;
/** No quote, blank or bracket of a template; ends at the same. */
const inQuotes = String.raw`([^\s"'\x60\\<>{}]{6,200})(?=\\{0,3}["'])`;
const bare = String.raw`([^\s"'\x60\\<>{}|]{4,200}?)(?=[;,&)]{0,3}(?:[\s"'\x60\\|]|$))`;
/** Also with the type of a variable before the value. */
const is = String.raw`(?:\s{0,3}:\s{0,3}(?:str|string|optional\[str\]))?["'\\\]]{0,5}\s{0,4}(?::=|=>|[=:])\s{0,4}`;

const isOther =
  /(?:hash(?:ed)?|crypt(?:ed)?|encoded|salt|reset|forgot(?:ten)?|change|by|com|encom|tres|sur|over)[_.-]?$/i;
/** In front of the short word, which is one of many languages. */
const beforeShort = /(?:^|[_.-]|db|user|smtp|imap|mail|ftp|ssh|login|admin|root|api|proxy|rsync|auth)$/i;

/** Whether a name of which this is the end is one of a password. */
function isPasswordName({ input, index, 0: whole }: RegExpExecArray): boolean {
  const before = /[\w.-]*$/.exec(input.slice(Math.max(0, index - 60), index))?.[0] ?? '';
  const isShort = !/^pass(?:w|p|c)/i.test(whole);
  const isCamel = /[a-z]$/.test(before) && /^P/.test(whole);
  return !isOther.test(before) && (!isShort || isCamel || beforeShort.test(before));
}

/** Words in small letters with signs between them name something. */
const isName = /^[a-z]+(?:[-_./:][a-z]+)*[-_]?\d{0,4}$/;
const isHash = /^\$\w{1,12}\$|^\w+\$\d|^\{S?SHA|^sha\d*[-:$]/i;
/** As long as a hash of something else is. */
const isHex = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i;
const isExpression = /^\^|\$$|\(\?|\[[^\]]*-[^\]]*\]|^[#.]\w/;

/** A password in quotes, which can as well be the name of a field, a title or a pattern. */
function isQuotedPassword(value: string): boolean {
  return (
    value.length >= 8 &&
    /[A-Za-z]/.test(value) &&
    !/[\x80-\uffff]{6}/.test(value) &&
    /[!-@[-^{-~]/.test(value.replace(/[-_./:]/g, '')) &&
    ![isName, isHash, isHex, isExpression].some((form) => form.test(value)) &&
    !isUuid(value) &&
    !isReference(value) &&
    isPassword(value)
  );
}

/** Whether nothing but a name and what declares it stands before on the line. */
function beginsLine({ input, index }: RegExpExecArray): boolean {
  const line = /[^\r\n]*$/.exec(input.slice(Math.max(0, index - 200), index))?.[0] ?? '';
  return /^[ \t]*(?:-[ \t]+)?(?:(?:export|set|setx|declare -x|env|arg|environment=)[ \t]*|\$env:)?["']?[\w.-]*$/i.test(
    line,
  );
}

/** Whether it stands in a cell or a command that writes such a file. */
function writesSettings({ input, index }: RegExpExecArray): boolean {
  const before = input.slice(Math.max(0, index - 2000), index);
  const begun = before.lastIndexOf('"source"');
  const written = [
    ...before.slice(begun + 1).matchAll(/%%(?:writefile|file)[ \t]+(\S+)|\bcat[^\n]{0,60}>[ \t]*(\S+)[^\n]{0,20}<</g),
  ].at(-1);
  return written !== undefined && formOf(written[1] ?? written[2] ?? '').isSettings;
}

function isBarePassword(value: string): boolean {
  return !isHash.test(value) && !isUuid(value) && !isReference(value) && isPassword(value);
}

/** A name in code stands where a password would. */
const isIdentifier = /^[A-Za-z_$][\w$]*(?:\??[.([]|$)/;

/** Names of tokens that let nobody in. */
const openToken =
  /(?:page|csrf|xsrf|sync|continuation|cursor|next|prev|pad|eos|bos|mask|sep|cls|unk|sha|hash|commit|push|device|sample|scene|instance|public)[_.-]?$/i;

function isTokenName({ input, index }: RegExpExecArray): boolean {
  return !openToken.test(input.slice(Math.max(0, index - 30), index));
}

function isToken(value: string, { isSettings }: TextForm): boolean {
  return (
    isKey(value) && (isSettings || !isHex.test(value)) && !isUuid(value) && !isVoidToken(value) && !isReference(value)
  );
}

const kind = 'password in a setting';
/** The short word is a statement of Python too. */
const names = ['password', 'passwd', 'passphrase', 'passcode', 'pwd', 'pass=', 'pass =', 'pass:', 'pass"', "pass'"];

export const settingKinds: readonly SecretKind[] = [
  ...names.flatMap((needs): SecretKind[] => {
    const name = `${/^[a-z]+/.exec(needs)?.[0]}\\d?`;
    return [
      {
        kind,
        needs,
        pattern: new RegExp(`${name}${is}${quote}${inQuotes}`, 'gi'),
        value: 1,
        isNamed: true,
        holds: (value, match, { isSettings }) =>
          isPasswordName(match) &&
          (isQuotedPassword(value) || (isSettings && beginsLine(match) && isBarePassword(value))),
      },
      {
        kind,
        needs,
        pattern: new RegExp(
          `${name}["']?[ \\t]{0,9}[=:][ \\t]{0,9}${bare}(?=[,;]?[ \\t]*(?:#[^\\r\\n]*)?[\\r\\n]|$)`,
          'gi',
        ),
        value: 1,
        isNamed: true,
        holds: (value, match, { isSettings }) =>
          (isSettings || writesSettings(match)) && isPasswordName(match) && beginsLine(match) && isBarePassword(value),
      },
      {
        // Set for a shell, in whatever file.
        kind,
        needs,
        pattern: new RegExp(`${name}=${quote.replace('["\']', '["\']?')}${bare}`, 'gi'),
        value: 1,
        isNamed: true,
        holds: (value, match) => isSetForShell(match) && isBarePassword(value) && !isIdentifier.test(unmixed(value)),
      },
      {
        kind,
        needs,
        pattern: new RegExp(`${name}["']\\s{0,4},\\s{0,4}${quote}${inQuotes}`, 'gi'),
        value: 1,
        isNamed: true,
        holds: (value, { input, index, 0: whole }) =>
          /^P[A-Z]/.test(whole) &&
          /(?:setdefault|setenv|putenv|environ\.update)\(\s*\\?["'][A-Z0-9_]*$/i.test(
            input.slice(Math.max(0, index - 60), index),
          ) &&
          isQuotedPassword(value),
      },
      {
        // As manifests of Kubernetes have it.
        kind,
        needs,
        pattern: new RegExp(`${name}["']?[ \\t]*\\r?\\n[ \\t]*value:[ \\t]*["']?${bare}`, 'gi'),
        value: 1,
        isNamed: true,
        holds: (value, match) =>
          /name:[ \t]*["']?[\w.-]*$/.test(match.input.slice(Math.max(0, match.index - 80), match.index)) &&
          isBarePassword(value),
      },
      {
        kind,
        needs,
        pattern: new RegExp(`${name}[ \\t]+${bare}[ \\t]*(?=[\\r\\n]|$)`, 'gi'),
        value: 1,
        isNamed: true,
        holds: (value, { input, index }) =>
          /(?:^|\n)[ \t]*(?:ENV|ARG)[ \t]+\w*$/i.test(input.slice(Math.max(0, index - 80), index)) &&
          isBarePassword(value),
      },
    ];
  }),
  ...[':543', ':*:', ':6543:', ':25060:'].map((needs): SecretKind => ({
    kind: 'password of a database',
    needs,
    pattern:
      /(?<=^|\n)([*A-Za-z][\w.*-]{0,200}):(?:\d{4,5}|\*):[\w.*-]{1,60}:([\w.*@-]{1,60}):((?:[^\s:\\]|\\.){4,200})(?=[\r\n]|$)/g,
    value: 3,
    isNamed: true,
    holds: (value, [, host, user]) => isBarePassword(value) && isPassword(value, { user, host }),
  })),
  {
    kind: 'password of a login',
    needs: 'auth',
    pattern: new RegExp(
      String.raw`auth\s{0,3}[=(:]\s{0,3}(?:[\w.]{0,40}auth)?[([]{0,2}\s{0,4}${quote}([^"'\s\\]{1,100})${quote}\s{0,3},\s{0,3}${quote}${inQuotes}`,
      'gi',
    ),
    value: 2,
    isNamed: true,
    holds: (value, [, user]) => isQuotedPassword(value) && isPassword(value, { user }),
  },
  {
    kind: 'password of a login',
    needs: 'basic',
    pattern: /authorization["'\\]{0,4}\s{0,4}[:,=]\s{0,4}[\\]?["']?basic\s{1,4}([A-Za-z0-9+/]{8,400}={0,2})/gi,
    value: 1,
    isNamed: true,
    holds: isLogin,
  },
  ...['api-key', 'subscription-key', 'private-token', 'auth-token', 'job-token', 'deploy-token'].map(
    (needs): SecretKind => ({
      kind: 'key in a header',
      needs,
      pattern: new RegExp(
        String.raw`${needs}["'\\]{0,4}\s{0,4}[:,]\s{0,4}[\\]?["']?([A-Za-z0-9+/_.-]{16,400}={0,2})`,
        'gi',
      ),
      value: 1,
      isNamed: true,
      holds: (value) => isMixed(value) && looksRandom(value) && !isReference(value),
    }),
  ),
  ...['token', 'secret'].map((needs): SecretKind => ({
    kind: 'key in a variable',
    needs,
    pattern: new RegExp(`${needs}${is}(?:${quote})?([A-Za-z0-9+/_-]{20,200}={0,2})(?![A-Za-z0-9+/_=.([-])`, 'gi'),
    value: 1,
    isNamed: true,
    holds: (value, match, form) => isTokenName(match) && isToken(value, form),
  })),
];

/** `PGPASSWORD=…`, or a name behind a word that sets it. */
function isSetForShell({ input, index, 0: whole }: RegExpExecArray): boolean {
  const before = input.slice(Math.max(0, index - 80), index);
  const isUpper = /^(?:PASS(?:WORD|WD|PHRASE)?|PWD)\d?=/.test(whole) && /(?:^|[\s"'`;&|(!])[A-Z0-9_]*$/.test(before);
  const isSet = /(?:export|%env|%set_env|setx?|-e|--env|ENV)[ \t]+["']?\w*$/.test(before);
  return (isUpper || isSet) && !/BY$/i.test(before);
}

/** A text of letters of both cases and digits in no order is no name of anything. */
function unmixed(value: string): string {
  return isMixed(value) ? '-' : value;
}
