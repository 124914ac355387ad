import { UserError } from '../errors.ts';

/** Where RunPod's REST API v2 is and the key that opens it. */
export interface RunPodConnection {
  /** Base of every REST path, such as `https://api.runpod.io/v2`; no trailing slash needed. */
  restUrl: string;
  apiKey: string;
}

export const defaultRestUrl = 'https://api.runpod.io/v2';

/** The GraphQL endpoint that belongs to a REST base: `/graphql` on the same host. */
export function graphqlUrl(connection: Pick<RunPodConnection, 'restUrl'>): string {
  return new URL('/graphql', connection.restUrl).href;
}

/** True for addresses that never leave this machine, as that of the sandbox, which bills nothing; false for what is no address. */
export function isLoopback(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Checks a connection before the key is sent anywhere.
 * @returns the connection with a tidy URL and key.
 * @throws UserError `runpod-url` for an address that cannot be used, `runpod-key` for a missing or malformed key.
 */
export function checkConnection(connection: RunPodConnection): RunPodConnection {
  const restUrl = connection.restUrl.trim().replace(/\/+$/, '');
  const url = URL.canParse(restUrl) ? new URL(restUrl) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username || url.search || url.hash) {
    throw new UserError('runpod-url', {
      what: 'The RunPod API address cannot be used.',
      why: 'It must be an http(s) address without user name, query or fragment.',
      next: `Correct the address; the usual one is ${defaultRestUrl}.`,
      remedies: [{ do: 'set-api-address' }],
    });
  }
  if (url.protocol === 'http:' && !isLoopback(restUrl)) {
    throw new UserError('runpod-url', {
      what: `The RunPod API address ${url.origin} is not encrypted.`,
      why: 'The API key would travel in clear text over the network.',
      next: 'Use an https address; http is accepted for this machine only.',
      remedies: [{ do: 'set-api-address' }],
    });
  }
  const apiKey = connection.apiKey.trim();
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new UserError('runpod-key', {
      what: apiKey === '' ? 'There is no RunPod API key.' : 'The RunPod API key is malformed.',
      why: apiKey === '' ? undefined : 'It contains spaces or characters that no key has.',
      next: 'Create a key under Settings > API Keys in the RunPod console and enter it again.',
      remedies: [{ do: 'sign-in' }],
    });
  }
  return { restUrl, apiKey };
}
