import { UserError } from '../errors.ts';
import { isLoopback } from '../runpod/connection.ts';

/** What opens the volumes of one data center over S3. */
export interface S3Access {
  /** Base address, such as `https://s3api-eu-ro-1.runpod.io/`. */
  endpoint: string;
  /** The data center's id, which is also what requests are signed for. */
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/**
 * Checks an access before its keys are used.
 * @returns the access with a tidy address and keys.
 * @throws UserError `s3-url` for an address that cannot be used, `s3-keys` for missing or malformed keys.
 */
export function checkAccess(access: S3Access): S3Access {
  const endpoint = access.endpoint.trim().replace(/\/+$/, '');
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username || url.search || url.hash) {
    throw new UserError('s3-url', {
      what: 'The S3 address cannot be used.',
      why: 'It must be an http(s) address without user name, query or fragment.',
      next: 'Correct the address, or leave it to the one of the data center.',
      remedies: [{ do: 'set-s3-address' }],
    });
  }
  if (url.protocol === 'http:' && !isLoopback(endpoint)) {
    throw new UserError('s3-url', {
      what: `The S3 address ${url.origin} is not encrypted.`,
      why: 'Your files would travel in clear text over the network.',
      next: 'Use an https address; http is accepted for this machine only.',
      remedies: [{ do: 'set-s3-address' }],
    });
  }
  const accessKeyId = access.accessKeyId.trim();
  const secretAccessKey = access.secretAccessKey.trim();
  if (![accessKeyId, secretAccessKey].every((key) => /^[\x21-\x7e]+$/.test(key))) {
    throw new UserError('s3-keys', {
      what: 'The S3 keys are missing or malformed.',
      why: 'They are not your API key: a pair of an access key ("user_…") and a secret ("rps_…") is needed.',
      next: 'Create S3 API keys under Settings > S3 API Keys in the RunPod console and enter both.',
      remedies: [{ do: 'set-s3-keys' }],
    });
  }
  return { endpoint, region: access.region, accessKeyId, secretAccessKey };
}
