import type { S3Access } from './access.ts';
import { s3Endpoint, type EndpointOptions } from './endpoints.ts';

export interface S3Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** What this installation knows of S3: where data centers answer, and the keys, asked for at each use. */
export interface S3Source {
  endpoints: EndpointOptions;
  keys: () => Promise<S3Keys | undefined>;
}

/** What opens the volumes of a data center over S3; undefined where it has no S3 or this installation no keys. */
export async function s3AccessOf(source: S3Source | undefined, dataCenter: string): Promise<S3Access | undefined> {
  const endpoint = s3Endpoint(dataCenter, source?.endpoints);
  const keys = endpoint === undefined ? undefined : await source?.keys();
  return endpoint === undefined || keys === undefined ? undefined : { endpoint, region: dataCenter, ...keys };
}
