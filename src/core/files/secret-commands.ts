import { isKey, isLogin, isMixed, isPassword, isReference, looksRandom, type SecretKind } from './secret-values.ts';

// Passwords and keys that are given to a program on its command line, or as a list of its arguments.

/** Between two arguments: blanks, or the quotes and comma of a list. */
const gap = String.raw`(?:\s{1,4}|\\{0,3}["'],\s{0,4}\\{0,3}["'])`;
/** Between an option and its value. */
const is = `(?:=|${gap})`;
const quote = String.raw`\\{0,3}["']?`;
const value = String.raw`([^\s"'\x60\\<>{}]{4,200}?)(?=[;,&|)\]]{0,3}(?:[\s"'\x60\\]|$))`;
/** What stands between a program and the option, on one line or on several that a backslash joins. */
const between = (most: number): string => String.raw`(?:[^\n\\]|\\\r?\n?){0,${most}}?`;

/** A program, in `needs` the word of it that is looked for first, and how its option is written, with the value. */
function command(needs: string, program: string, option: string, most = 200): SecretKind {
  return {
    kind: 'password in a command',
    needs,
    pattern: new RegExp(String.raw`(?<![\w-])${program}${between(most)}${option}`, 'g'),
    value: 1,
    isNamed: true,
    holds: isGiven,
  };
}

function isGiven(given: string): boolean {
  return !given.startsWith('-') && !isReference(given) && isPassword(given);
}

const login = (option: string): string => `${gap}(?:${option})${is}${quote}[^\\s:"'\\\\]{0,100}?:${value}`;

export const commandKinds: readonly SecretKind[] = [
  command('curl', 'curl', login('-u|--user|-U|--proxy-user'), 300),
  command('curl', 'curl', `${gap}-[uU]${quote}[^\\s:"'\\\\-][^\\s:"'\\\\]{0,100}:${value}`, 300),
  command('http', 'https?', login('-a|--auth'), 60),
  command(
    'login',
    '(?:docker|podman|nerdctl|buildah|skopeo|oras|helm|crane|az)\\b[^\\n;|&]{0,80}?\\blogin\\b',
    `${gap}-p${is}${quote}${value}`,
  ),
  command('sshpass', 'sshpass\\b', `${gap}-p(?:${is})?${quote}${value}`, 40),
  ...['mysql', 'mariadb'].map((name) => command(name, `${name}\\w*`, `${gap}-p${quote}${value}`)),
  command('redis-cli', 'redis-cli\\b', `${gap}-a${is}${quote}${value}`),
  ...['mongo', 'twine', 'cqlsh', 'clickhouse'].map((name) =>
    command(name, `${name}\\w*\\b`, `${gap}-p${is}${quote}${value}`),
  ),
  command('smbclient', 'smbclient\\b', `${gap}-U(?:${is})?${quote}[^\\s%"']{1,100}%${value}`),
  command('ldap', 'ldap\\w+\\b', `${gap}-w${is}${quote}${value}`),
  command('lftp', 'lftp\\b', `${gap}-u${is}${quote}[^\\s,"']{1,100},${value}`),
  command('sqlcmd', 'sqlcmd\\b', `${gap}-P(?:${is})?${quote}${value}`),
  command('zip', '(?:un)?zip\\b', `${gap}-P${is}${quote}${value}`),
  ...['7z ', '7z"', "7z'", '7za', '7zz'].map((needs) => command(needs, '7z[az]?\\b', `${gap}-p${quote}${value}`)),
  command('htpasswd', 'htpasswd\\b', `${gap}-\\w*b\\w*${gap}[^\\s"']+${gap}[^\\s"']+${gap}${quote}${value}`, 40),
  command('pass:', 'openssl\\b', `${gap}-pass(?:in|out)?${is}${quote}pass:${value}`),
  ...['sudo', 'password-stdin', 'stdin'].map((needs) => ({
    ...command(needs, 'echo', '', 0),
    pattern: new RegExp(
      `(?<![\\w-])echo${gap}(?:-n${gap})?${quote}${value}${quote}\\s{0,4}\\|\\s{0,4}[^\\n|;]{0,120}?${gap}(?:-\\w*S\\b|--password-stdin|--stdin)`,
      'g',
    ),
  })),
  {
    // Programs of all kinds call it so.
    kind: 'password in a command',
    needs: 'pass',
    pattern: new RegExp(`(?<![\\w-])--(?:[a-z]{1,20}[-_]){0,4}pass(?:word|wd|phrase)?${is}${quote}${value}`, 'g'),
    value: 1,
    isNamed: true,
    holds: isGiven,
  },
  ...['token', 'key', 'secret'].map((needs): SecretKind => ({
    kind: 'key in a command',
    needs,
    pattern: new RegExp(
      `(?<![\\w-])--(?:[a-z]{1,20}[-_]){0,4}(?:${needs === 'key' ? 'api[-_]?key|(?:access|auth|secret)[-_]key' : needs})${is}${quote}${value}`,
      'g',
    ),
    value: 1,
    isNamed: true,
    holds: (given) =>
      isKey(given) || (given.length >= 16 && isMixed(given) && looksRandom(given) && !isReference(given)),
  })),
  {
    ...command(
      'login',
      '(?:huggingface-cli|hf|wandb|gh|kaggle|comet)\\b[^\\n;|&]{0,40}?\\blogin\\b',
      `${gap}--(?:token|key)${is}${quote}${value}`,
    ),
    kind: 'key in a command',
  },
  {
    kind: 'password in a command',
    needs: 'basic',
    pattern: /\bbasic\s{1,4}([A-Za-z0-9+/]{12,400}={0,2})(?=\\?["'])/gi,
    value: 1,
    isNamed: true,
    holds: isLogin,
  },
];
