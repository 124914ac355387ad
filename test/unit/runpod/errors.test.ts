import assert from 'node:assert/strict';
import { UserError } from '../../../src/core/errors.ts';
import { readProblem } from '../../../src/core/runpod/answers.ts';
import { ApiError, isApiError, type ApiErrorKind } from '../../../src/core/runpod/api-error.ts';

const json = 'application/problem+json';
const body = (status: number, detail: string, extra: object = {}) =>
  JSON.stringify({ title: 'Title', status, detail, ...extra });

/** What arrives, and the kind it must become. */
const answers: [kind: ApiErrorKind, status: number, text: string, type?: string][] = [
  ['auth', 401, body(401, 'invalid key')],
  ['auth', 401, ''],
  ['funds', 402, body(402, 'balance too low')],
  ['permission', 403, body(403, 'no permission')],
  ['edge-blocked', 403, 'error code: 1010', 'text/plain'],
  ['edge-blocked', 403, '<html></html>', 'text/html'],
  ['not-found', 404, body(404, 'pod not found')],
  ['v1', 404, '{"error":"not found"}', 'application/json'],
  ['schema', 404, '<html>Not Found</html>', 'text/html'],
  ['schema', 404, ''],
  ['conflict', 409, body(409, 'pod is running')],
  ['invalid', 400, body(400, 'exactly one of gpu and cpu')],
  ['invalid', 405, body(405, 'method not allowed')],
  ['invalid', 422, body(422, 'invalid', { errors: ['$.name: missing'] })],
  ['too-large', 413, body(413, 'request body too large')],
  ['rate-limit', 429, body(429, 'rate limit exceeded for the minute window')],
  ['rate-limit', 429, 'slow down', 'text/plain'],
  ['server', 500, body(500, 'internal')],
  ['server', 502, '<html>Bad gateway</html>', 'text/html'],
  ['server', 502, '{"message":"Bad gateway"}', 'application/json'],
  ['v1', 410, body(410, 'v1 is retired')],
  ['v1', 410, ''],
  ['v1', 400, '{"message":"bad request"}', 'application/json'],
  ['schema', 302, '', 'text/html'],
];

const capacityTexts = [
  'There are no longer any instances available with the requested specifications. Please refresh and try again.',
  'This machine does not have the resources to deploy your pod',
  'Something went wrong, try a different machine',
  'There are not enough free GPUs on the host machine to start this pod',
];

describe('errors of the API', () => {
  for (const [kind, status, text, type = json] of answers) {
    it(`reads ${status} ${text.slice(0, 30) || '(empty)'} as ${kind}`, () => {
      assert.equal(readProblem(status, type, text).kind, kind);
    });
  }

  it('reads every known capacity text as no-capacity, and only on a refusal', () => {
    for (const text of capacityTexts) {
      assert.equal(readProblem(400, json, body(400, text)).kind, 'no-capacity', text);
      assert.equal(readProblem(422, json, body(422, text)).kind, 'invalid');
      assert.equal(readProblem(500, json, body(500, text)).kind, 'server');
    }
  });

  const expected: Record<ApiErrorKind, RegExp> = {
    auth: /does not accept the API key \(HTTP 401\).*Settings > API Keys/,
    permission: /valid but has no permission.*RunPod says: Detail\..*Settings > API Keys/,
    'edge-blocked': /api\.runpod\.io blocked the request.*nothing about the key.*VPN/,
    funds: /balance is too low.*Add credit/,
    'not-found': /does not exist, or it belongs to another account.*Refresh/,
    conflict: /not possible in the present state.*Refresh/,
    'no-capacity': /no free machine.*another GPU type or data center/,
    invalid: /refused the request.*RunPod says: Detail\. \$\.name: wrong type\..*Correct/,
    'too-large': /larger than the 100 KiB.*on the volume/,
    'rate-limit': /Too many requests.*Wait 12 seconds/,
    server: /internal failure.*Try again in a few minutes/,
    network: /api\.runpod\.io could not be reached.*internet connection/,
    timeout: /api\.runpod\.io did not answer in time.*internet connection/,
    schema: /answer of api\.runpod\.io is not what.*API address/,
    v1: /retired v1 API.*https:\/\/api\.runpod\.io\/v2/,
  };
  for (const [kind, pattern] of Object.entries(expected) as [ApiErrorKind, RegExp][]) {
    it(`says what, why and what to do next for ${kind}`, () => {
      const error = new ApiError({
        kind,
        purpose: 'create the pod "a"',
        host: 'api.runpod.io',
        status: kind === 'auth' ? 401 : undefined,
        title: 'Title',
        detail: 'Detail',
        errors: kind === 'invalid' ? ['$.name: wrong type'] : undefined,
        retryAfterMs: 12_000,
      });
      assert.ok(error instanceof UserError);
      assert.equal(error.code, `runpod-${kind}`);
      assert.equal(error.what, 'Could not create the pod "a".');
      assert.match(error.message, pattern);
      assert.ok(error.why && error.next);
      assert.doesNotMatch(error.message, /undefined|\.\.|  /);
    });
  }

  it('reads only the missing fields out of a noisy validation error', () => {
    const errors = ["$: missing property 'name'", "$: additional properties 'gpu' not allowed"];
    const error = new ApiError({ kind: 'invalid', purpose: 'create a pod', status: 422, errors });
    assert.match(error.message, /missing property 'name'/);
    assert.doesNotMatch(error.message, /additional/);
    assert.deepEqual(error.errors, errors);
  });

  it('says so when it is unknown whether the request took effect', () => {
    const error = new ApiError({ kind: 'timeout', purpose: 'create a pod', ambiguous: true });
    assert.match(error.next ?? '', /It may have taken effect/);
    assert.ok(isApiError(error, 'network', 'timeout'));
    assert.ok(!isApiError(error, 'network'));
    assert.ok(!isApiError(new Error('x')));
  });

  it('rounds waiting times up', () => {
    const next = (ms: number) => new ApiError({ kind: 'rate-limit', purpose: 'x', retryAfterMs: ms }).next ?? '';
    assert.match(next(1), /Wait 1 second and/);
    assert.match(next(600_001), /Wait 11 minutes/);
    assert.match(next(40_000_000), /Wait 12 hours/);
  });
});
