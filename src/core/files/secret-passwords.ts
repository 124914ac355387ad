import { isKey, isLogin, isPassword, isUuid, isVoidToken, looksRandom, type SecretKind } from './secret-values.ts';

/** Names under which an address or a list of settings has its password. */
const named = 'password|passwd|passphrase|pwd';
/** Beside a password these say that it is one of a connection. */
const connection =
  /(?:^|[;\s"'?&])(?:server|data source|host(?:addr)?|hostname|addr(?:ess)?|endpoint|user ?id|uid|user(?:name)?|initial catalog|database|dbname|db)\s{0,3}=/i;

/** Passwords, of which only what stands around them tells that they are any. */
export const passwordKinds: readonly SecretKind[] = [
  {
    kind: 'password in an address',
    needs: '://',
    pattern:
      /:\/\/(?<=[a-z0-9]:\/\/)([^\s/:@"'`<>()[\]{}\\|]{0,100}):(?!\d{1,5},)([^\s/"'`<>[\]{}\\|]{3,200})@([A-Za-z0-9.[-]{1,253})/gi,
    value: 2,
    holds: (value, [, user, , host]) => !/^sha(?:1|256|512)$/.test(host ?? '') && isPassword(value, { user, host }),
  },
  {
    // Drivers of databases take a slash in a password as it is.
    kind: 'password in an address',
    needs: '://',
    pattern:
      /(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?)(?:\+[a-z0-9]{1,20})?:\/\/([^\s/:@"'`<>[\]{}\\|]{0,100}):(?!\d{1,5}\/)([^\s:@"'`<>[\]{}\\|]{0,200}\/[^\s@"'`<>[\]{}\\|]{0,200})@([A-Za-z0-9.[-]{1,253})/gi,
    value: 2,
    holds: (value, [, user, , host]) => isPassword(value, { user, host }),
  },
  {
    kind: 'key in an address',
    needs: '://',
    pattern: /:\/\/(?<=https:\/\/)([A-Za-z0-9_-]{30,100})@([A-Za-z0-9.-]{1,253})/gi,
    value: 1,
    holds: (value, [, , host]) => isKey(value) && !/sentry/i.test(host ?? ''),
  },
  {
    kind: 'key in an address',
    needs: '://',
    pattern:
      /:\/\/[^\s"'`<>\\]{1,400}?[?&](token|api_?key|access_?token|auth_?token|private_?token|key|sig)=([A-Za-z0-9_.%-]{24,800})(?![A-Za-z0-9_.%-])/gi,
    value: 2,
    holds: (value, [, name = '']) =>
      /\d/.test(value) &&
      looksRandom(value) &&
      !isUuid(value) &&
      !isVoidToken(value) &&
      // Under these names also stands what everybody may know.
      (!/^(?:key|sig)$/i.test(name) || (value.length >= 32 && isKey(value) && !/^[0-9a-f]+$/i.test(value))),
  },
  {
    kind: 'password in an address',
    needs: '://',
    pattern: new RegExp(
      String.raw`(?:jdbc:[a-z0-9]{2,20}|[a-z0-9]):\/\/[^\s"'\x60<>\\]{1,400}?[?&;](?:${named})=([^\s"'\x60<>&;\\{}]{3,200})`,
      'gi',
    ),
    value: 1,
    holds: (value) => isPassword(value),
  },
  {
    kind: 'password in an address',
    needs: 'jdbc:oracle:',
    pattern: /jdbc:oracle:[a-z]{2,6}:([^\s/@"'`<>{}\\]{1,60})\/([^\s/@"'`<>{}\\]{3,200})@([A-Za-z0-9.-]{1,253})?/gi,
    value: 2,
    holds: (value, [, user, , host]) => isPassword(value, { user, host }),
  },
  ...['password', 'passwd', 'pwd'].map((name): SecretKind => ({
    kind: 'password of a connection',
    needs: name,
    pattern: new RegExp(
      String.raw`(?<=[;\s"'])${name}\s{0,3}=\s{0,3}([^\s;"'\x60<>&{}()[\]\\,]{3,200})(?=[;\s"'\x60\\]|$)`,
      'gi',
    ),
    value: 1,
    holds: isOfConnection,
  })),
  {
    kind: 'password of a .netrc',
    needs: 'machine',
    pattern:
      /\bmachine\s{1,9}(\S{1,253})\s{1,9}(?:login|user)\s{1,9}(\S{1,200})\s{1,9}(?:account\s{1,9}\S{1,200}\s{1,9})?password\s{1,9}([^\s"']{5,200})/gi,
    value: 3,
    holds: (value, [, host, user]) => isPassword(value, { user, host }),
  },
  {
    kind: 'password of a package index',
    needs: 'username',
    pattern:
      /\busername\s{0,3}[=:]\s{0,3}[^\s"']{1,100}\s{1,9}password\s{0,3}[=:]\s{0,3}([^\s"'{}<>]{5,200})(?=\s|["']|$)/gi,
    value: 1,
    holds: (value, { input, index }) =>
      /\[[\w.-]+\]\s+(?:\w+\s*[=:]\s*\S+\s+)*$/.test(input.slice(Math.max(0, index - 400), index)) && isPassword(value),
  },
  {
    kind: 'login of a registry',
    needs: '"auth',
    pattern: /"auth"\s{0,9}:\s{0,9}"([A-Za-z0-9+/]{8,2000}={0,2})"/g,
    value: 1,
    holds: isLogin,
  },
  {
    kind: 'login of a registry',
    needs: ':_auth',
    pattern: /:_(?:authToken|auth|password)\s{0,3}=\s{0,3}["']?([A-Za-z0-9+/_.=-]{16,400})/g,
    value: 1,
  },
];

/** `Server=a;User Id=b;Password=c` and `host=a user=b password=c`; arguments of a call have commas between them. */
function isOfConnection(value: string, { input, index, 0: whole }: RegExpExecArray): boolean {
  const before = input.slice(Math.max(0, index - 300), index + 1);
  const after = input.slice(index + whole.length, index + whole.length + 300);
  const line = [/[^\r\n]*$/.exec(before)?.[0] ?? '', /^[^\r\n]*/.exec(after)?.[0] ?? ''] as const;
  const isCode = /^[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)+$/.test(value);
  const isCall = /[,(]\s*$/.test(line[0]) || /^\s*[,)]/.test(line[1]);
  const host = /(?:server|data source|host(?:addr)?)\s*=\s*([\w.-]+)/i.exec(line.join(' '))?.[1];
  const user = /(?:user ?id|uid|user(?:name)?)\s*=\s*([\w.-]+)/i.exec(line.join(' '))?.[1];
  return !isCall && !isCode && line.some((part) => connection.test(part)) && isPassword(value, { user, host });
}
