/** Hosts that mean another machine, or none, when a pod looks them up. */
const host =
  '(?:localhost|127(?:\\.\\d{1,3}){3}|0\\.0\\.0\\.0|10(?:\\.\\d{1,3}){3}|192\\.168(?:\\.\\d{1,3}){2}|172\\.(?:1[6-9]|2\\d|3[01])(?:\\.\\d{1,3}){2}|169\\.254(?:\\.\\d{1,3}){2}|\\[::1\\]|host\\.docker\\.internal|[A-Za-z0-9-]+\\.(?:local|lan))';

/** A URL at such a host. `tcp:` is left out: processes of one pod meet at it. Understood by JavaScript and Python alike. */
export const privateUrl = `(?!tcp:)\\b[A-Za-z][A-Za-z0-9+.-]*://(?:[^\\s/@]*@)?${host}(?![A-Za-z0-9.-])[^\\s"']*`;

const urlPattern = new RegExp(privateUrl, 'i');
const barePattern = new RegExp(`^${host}(?::\\d{1,5})?(?:/.*)?$`, 'i');

/** Names whose values mean the pod itself. */
const meantForThePod = /^(MASTER_ADDR|NO_PROXY|no_proxy)$|BIND|LISTEN/;

/** The address in a setting that no pod can reach, or undefined. `name` is that of the variable, if it has one. */
export function privateAddress(value: string, name = ''): string | undefined {
  if (meantForThePod.test(name)) {
    return undefined;
  }
  return urlPattern.exec(value)?.[0] ?? (barePattern.test(value.trim()) ? value.trim() : undefined);
}
