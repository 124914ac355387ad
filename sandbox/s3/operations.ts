import { notImplemented } from './refusal.ts';

/** Parameters that any request may carry: the SDKs say in `x-id` which operation they mean. */
const always = ['x-id'];

interface Shape {
  method: string;
  on: 'service' | 'bucket' | 'key';
  /** Parameters that make the request this operation. */
  needs?: string[];
  /** Value that a needed parameter must have. */
  where?: [string, string];
  allows?: string[];
  /** Whether `x-amz-copy-source` must be there; it must not be otherwise. */
  copies?: boolean;
}

const listing = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];

/** The operations that the platform has; everything else is 501. */
const shapes = {
  ListBuckets: { method: 'GET', on: 'service', allows: ['max-buckets', 'prefix', 'bucket-region'] },
  HeadBucket: { method: 'HEAD', on: 'bucket' },
  ListObjectsV2: {
    method: 'GET',
    on: 'bucket',
    needs: ['list-type'],
    where: ['list-type', '2'],
    allows: [...listing, 'continuation-token', 'start-after', 'fetch-owner'],
  },
  ListMultipartUploads: {
    method: 'GET',
    on: 'bucket',
    needs: ['uploads'],
    allows: ['prefix', 'max-uploads', 'key-marker', 'upload-id-marker', 'encoding-type'],
  },
  ListObjects: { method: 'GET', on: 'bucket', allows: [...listing, 'marker'] },
  ListParts: { method: 'GET', on: 'key', needs: ['uploadId'], allows: ['max-parts', 'part-number-marker'] },
  GetObject: { method: 'GET', on: 'key' },
  HeadObject: { method: 'HEAD', on: 'key' },
  UploadPart: { method: 'PUT', on: 'key', needs: ['uploadId', 'partNumber'] },
  PutObject: { method: 'PUT', on: 'key' },
  CopyObject: { method: 'PUT', on: 'key', copies: true },
  CreateMultipartUpload: { method: 'POST', on: 'key', needs: ['uploads'] },
  CompleteMultipartUpload: { method: 'POST', on: 'key', needs: ['uploadId'] },
  AbortMultipartUpload: { method: 'DELETE', on: 'key', needs: ['uploadId'] },
  DeleteObject: { method: 'DELETE', on: 'key' },
} satisfies Record<string, Shape>;

export type Operation = keyof typeof shapes;

/** Headers that ask for what the platform does not have. */
const unknownHeaders = /^x-amz-(acl|grant-|tagging|server-side-encryption|object-lock|website-|copy-source-range)/;

/** Which operation a request is. Throws 501 for everything that the platform does not have. */
export function operationOf(
  method: string,
  bucket: string,
  key: string,
  query: ReadonlyMap<string, string>,
  headers: readonly string[],
): Operation {
  const unknown = headers.find((name) => unknownHeaders.test(name));
  if (unknown !== undefined) throw notImplemented(`The header ${unknown}`);
  const on = bucket === '' ? 'service' : key === '' ? 'bucket' : 'key';
  for (const [name, shape] of Object.entries<Shape>(shapes)) {
    const { needs = [], allows = [], where, copies = false } = shape;
    if (shape.method !== method || shape.on !== on || copies !== headers.includes('x-amz-copy-source')) continue;
    if (!needs.every((one) => query.has(one)) || (where && query.get(where[0]) !== where[1])) continue;
    if ([...query.keys()].every((one) => [...always, ...needs, ...allows].includes(one))) return name as Operation;
  }
  const parameters = [...query.keys()].filter((one) => !always.includes(one)).join(', ');
  throw notImplemented(`${method} of a ${on}${parameters === '' ? '' : ` with ${parameters}`}`);
}
