import type { RunPodClient } from '../../runpod/client.ts';
import { parseJson } from '../../json.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { ApiHttp } from '../../runpod/http.ts';
import { known, notKnown, type Answers } from './answers.ts';
import { compareApi } from './expected-api.ts';
import { count } from '../../words/index.ts';

/** Questions whose asking costs nothing. */
export async function askForFree(
  answers: Answers,
  http: ApiHttp,
  client: RunPodClient,
  signal: AbortSignal | undefined,
): Promise<void> {
  await answers.ask('api', 'Is the API as this program expects it?', signal, () => readDocument(answers, http, signal));
  await answers.ask('rate', 'How many requests may the account send?', signal, async () => {
    const { headers } = await http.send({
      method: 'GET',
      path: '/pods',
      query: '?limit=1',
      purpose: 'read the rate limit',
      signal,
    });
    const policy = headers['ratelimit-policy'];
    const perMinute = policy === undefined ? undefined : perMinuteOf(policy);
    if (perMinute === undefined) {
      return notKnown(policy === undefined ? 'the answers carry no RateLimit-Policy' : `the policy is ${policy}`);
    }
    answers.keep('rateLimitPerMinute', perMinute, `RateLimit-Policy: ${policy ?? ''}`);
    return known(`${perMinute} a minute (${policy ?? ''})`);
  });
  await answers.ask('pages', 'Does the list of volumes come in pages?', signal, async () => {
    const request = { method: 'GET', path: '/network-volumes', purpose: 'list the volumes', signal } as const;
    const { text } = await http.send({ ...request, query: '?limit=1' });
    const body = parseJson(text) as { networkVolumes?: unknown[]; pagination?: unknown } | undefined;
    const paged = body?.pagination !== undefined;
    const evidence = `GET /network-volumes?limit=1: ${count(body?.networkVolumes?.length ?? 0, 'volume')}, ${paged ? 'with' : 'without'} "pagination"`;
    answers.keep('volumesInPages', paged, evidence);
    return known(`${paged ? 'yes' : 'no'} (${evidence})`);
  });
  await answers.ask('data-centers', 'Where can volumes be created today?', signal, async () => {
    const all = await client.catalog.dataCenters({}, signal);
    const able = all.filter((d) => d.networkVolumeTypes.length > 0);
    const tiers = Object.fromEntries(able.map((d) => [d.id, d.networkVolumeTypes]));
    answers.keep('dataCenters', tiers, `catalog: ${able.length} of ${all.length} data centers`);
    const high = (types: string[]): string => (types.includes('STANDARD') ? '' : ' (high performance only)');
    return known(`${able.map((d) => d.id + high(d.networkVolumeTypes)).join(', ')}; ${all.length} data centers in all`);
  });
}

async function readDocument(
  answers: Answers,
  http: ApiHttp,
  signal: AbortSignal | undefined,
): Promise<{ answer: string; known: boolean }> {
  let text: string;
  try {
    ({ text } = await http.send({
      method: 'GET',
      path: '/openapi.json',
      purpose: 'read the description of the API',
      signal,
    }));
  } catch (error) {
    if (isApiError(error, 'not-found', 'schema')) {
      return notKnown('the API publishes no description of itself at /openapi.json');
    }
    throw error;
  }
  const compared = compareApi(parseJson(text));
  if (compared === undefined) {
    return notKnown('what it publishes at /openapi.json is no OpenAPI document');
  }
  const { missing, unknownFields, newlyRequired, operations } = compared;
  const differences = [
    ...missing.map((m) => `${m} is not described`),
    ...unknownFields.map((f) => `${f} is not described`),
    ...newlyRequired.map((f) => `${f} must be sent and is not`),
  ];
  const asExpected = differences.length === 0;
  answers.keep('apiAsExpected', asExpected, asExpected ? `${operations} operations` : differences.join('; '));
  return known(asExpected ? `yes; it describes ${operations} operations` : differences.join('; '));
}

/** `q` of the window of 60 seconds in a RateLimit-Policy such as `"minute";q=60;w=60,"hour";q=3000;w=3600`. */
export function perMinuteOf(policy: string): number | undefined {
  for (const item of policy.split(',')) {
    const quota = /;\s*q=(\d+)/.exec(item)?.[1];
    const window = /;\s*w=(\d+)/.exec(item)?.[1];
    if (quota !== undefined && window === '60') {
      return Number(quota);
    }
  }
  return undefined;
}
