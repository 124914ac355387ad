import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { badArgument, Refusal } from './refusal.ts';

export interface S3Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** What a signature vouches for. */
export interface Signed {
  /** Region of the credential scope, as it was written. */
  region: string;
  /** Value of `x-amz-content-sha256`: a hash in hex or one of the words for unsigned and chunked payloads. */
  payload: string;
}

/** Tolerated difference of the clocks, ms. */
const largestSkew = 3_600_000;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * Checks a request's Signature Version 4 in its Authorization header against the raw path, query and headers. The
 * payload is only named by it; who reads the body compares. Throws a `Refusal`.
 */
export function verify(request: IncomingMessage, keys: S3Keys, now: number): Signed {
  const { authorization } = request.headers;
  if (authorization === undefined) throw new Refusal(401, 'Unauthorized', 'missing Authorization header');
  const { accessKeyId, date, region, signedHeaders, signature } = parse(authorization);
  if (!same(accessKeyId, keys.accessKeyId)) {
    throw new Refusal(403, 'InvalidAccessKeyId', 'The access key ID you provided does not exist in our records.');
  }
  const time = checkTime(request, date, now);
  const payload = header(request, 'x-amz-content-sha256');
  if (payload === undefined) throw new Refusal(400, 'InvalidRequest', 'Missing required header: x-amz-content-sha256');
  checkSignedHeaders(request, signedHeaders);
  const scope = `${date}/${region}/s3/aws4_request`;
  const canonical = canonicalRequest(request, signedHeaders, payload);
  const day = hmac(`AWS4${keys.secretAccessKey}`, date);
  const key = hmac(hmac(hmac(day, region), 's3'), 'aws4_request');
  const expected = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  if (!same(signature, expected)) {
    throw new Refusal(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    );
  }
  return { region, payload };
}

function parse(authorization: string): {
  accessKeyId: string;
  date: string;
  region: string;
  signedHeaders: string[];
  signature: string;
} {
  const malformed = (): Refusal =>
    new Refusal(400, 'AuthorizationHeaderMalformed', 'The authorization header you provided is invalid.');
  const fields = /^AWS4-HMAC-SHA256\s+(.*)$/s.exec(authorization)?.[1];
  if (fields === undefined) throw malformed();
  const field = (name: string): string => {
    const found = fields.split(',').find((one) => one.trim().startsWith(`${name}=`));
    if (found === undefined) throw malformed();
    return found.trim().slice(name.length + 1);
  };
  const credential = /^([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request$/.exec(field('Credential'));
  const [, accessKeyId, date, region] = credential ?? [];
  if (accessKeyId === undefined || date === undefined || region === undefined) throw malformed();
  return { accessKeyId, date, region, signedHeaders: field('SignedHeaders').split(';'), signature: field('Signature') };
}

/** Returns the request's `x-amz-date` when it is near enough and of the scope's day. */
function checkTime(request: IncomingMessage, date: string, now: number): string {
  const text = header(request, 'x-amz-date') ?? '';
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? ([] as (string | undefined)[]);
  if (year === undefined || !text.startsWith(date)) {
    throw new Refusal(403, 'AccessDenied', 'AWS authentication requires a valid x-amz-date header.');
  }
  const time = Date.parse(`${year}-${month ?? ''}-${day ?? ''}T${hours ?? ''}:${minutes ?? ''}:${seconds ?? ''}Z`);
  if (!(Math.abs(time - now) <= largestSkew)) {
    throw new Refusal(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
    );
  }
  return text;
}

/** What is not signed could be changed on the way: the host and every header of the protocol must be. */
function checkSignedHeaders(request: IncomingMessage, signed: string[]): void {
  const needed = Object.keys(request.headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  const missing = needed.find((name) => !signed.includes(name));
  if (missing !== undefined) {
    throw new Refusal(
      403,
      'AccessDenied',
      `There were headers present in the request which were not signed: ${missing}`,
    );
  }
}

function canonicalRequest(request: IncomingMessage, signedHeaders: string[], payload: string): string {
  const [path, query] = splitOnce(request.url ?? '/', '?');
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`));
  pairs.sort((a, b) => {
    const [nameA, valueA] = splitOnce(a, '=');
    const [nameB, valueB] = splitOnce(b, '=');
    if (nameA !== nameB) return nameA < nameB ? -1 : 1;
    return valueA < valueB ? -1 : Number(valueA > valueB);
  });
  const headers = signedHeaders.map((name) => `${name}:${header(request, name) ?? ''}\n`).join('');
  return [request.method ?? '', path, pairs.join('&'), headers, signedHeaders.join(';'), payload].join('\n');
}

/** A header's value as it is signed: repeated ones joined, spaces collapsed. */
function header(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name];
  return values?.map((value) => value.trim().replace(/ +/g, ' ')).join(',');
}

export function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Parameters of a raw query, decoded. Throws when one is there twice. */
export function queryOf(url: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of splitOnce(url, '?')[1].split('&')) {
    if (pair === '') continue;
    const [name, value] = splitOnce(pair, '=').map(decode) as [string, string];
    if (query.has(name)) throw badArgument(`The parameter "${name}" is there twice.`);
    query.set(name, value);
  }
  return query;
}

/** Decodes percent signs; throws where they do not make UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(400, 'InvalidURI', 'Could not parse the specified URI.');
  }
}
