import { s3DataCenters } from '../../core/s3/endpoints.ts';
import type { S3Source } from '../../core/s3/s3-source.ts';
import type { Settings } from '../common/settings.ts';
import type { Account } from './account.ts';
import type { Credentials } from './credentials.ts';

/**
 * The volumes' S3 API for this window: that of its sandbox, else RunPod's with what the setting adds. Addresses and keys
 * are of the same account, also when the account changes before the keys are asked for.
 */
export function s3SourceOf(account: Account, credentials: Credentials, settings: Settings): S3Source {
  const { restUrl, sandboxS3Url } = account;
  const own =
    sandboxS3Url === undefined
      ? settings.s3Endpoints
      : Object.fromEntries(s3DataCenters().map((dataCenter) => [dataCenter, sandboxS3Url]));
  return {
    endpoints: { own },
    keys: async () => {
      const keys = account.ready ? await credentials.s3Keys(restUrl) : undefined;
      return keys && { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey.reveal() };
    },
  };
}
