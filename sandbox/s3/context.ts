import type { Body } from './body.ts';
import type { S3Faults, S3Weather } from './faults.ts';
import type { VolumeFiles } from './files.ts';
import type { Uploads } from './uploads.ts';

/** A volume as operations see it. */
export interface Bucket {
  id: string;
  dataCenter: string;
  files: VolumeFiles;
  uploads: Uploads;
}

export interface Context {
  bucket: Bucket;
  /** As it is in the URL, decoded. */
  key: string;
  query: ReadonlyMap<string, string>;
  headers: NodeJS.Dict<string | string[]>;
  body: Body;
  faults: S3Faults;
  weather: S3Weather;
  /** Finds a volume that the same host serves. Throws `NoSuchBucket`. */
  findBucket: (id: string) => Bucket;
}
