import { messageOf, UserError, type Explanation } from '../errors.ts';

/** A failure of a volume's S3 side. Carries no part of a request, so no key and no signature. */
export class S3Error extends UserError {
  override readonly name = 'S3Error';
  /** HTTP status, undefined when no answer came. */
  readonly status: number | undefined;
  /** The service's or the system's own word, such as `InvalidPart` or `ETIMEDOUT`. */
  readonly reason: string | undefined;

  constructor(code: string, explanation: Explanation, failure?: Pick<Failure, 'status' | 'code'>) {
    super(code, explanation);
    this.status = failure?.status;
    this.reason = failure?.code;
  }
}

/** What this machine's disk refused while a request was under way (its `cause`): no other answer of the service heals it. */
export class DiskFailure extends Error {
  override readonly name = 'DiskFailure';
}

/** Work on this machine's disk amid a request; rejects with DiskFailure. */
export async function onDisk<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new DiskFailure(messageOf(cause), { cause });
  });
}

/** What one attempt of a request failed with. */
export interface Failure {
  /** HTTP status, undefined when no answer came. */
  status: number | undefined;
  /** The service's word for it, such as `NoSuchKey`, or that of the system, such as `ECONNRESET`. */
  code: string;
  headers: Readonly<Record<string, string | undefined>>;
  message: string;
}

interface Thrown {
  name?: unknown;
  Code?: unknown;
  code?: unknown;
  $metadata?: { httpStatusCode?: unknown };
  $response?: { headers?: Record<string, string> };
}

/** Reads what the S3 client threw; nothing else of it is kept. */
export function failureOf(error: unknown): Failure {
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as Thrown;
  const status = thrown.$metadata?.httpStatusCode;
  const words = [thrown.Code, thrown.code, thrown.name].filter((word) => typeof word === 'string');
  return {
    status: typeof status === 'number' ? status : undefined,
    code: words.find((word) => word !== 'Error') ?? 'Unknown',
    headers: thrown.$response?.headers ?? {},
    message: messageOf(error).split('\n')[0] ?? '',
  };
}

/** Damage on the way or slowness; the same request may succeed. */
const passing = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
]);

/** The status that decides about repeating: one that only this request or this moment has counts as 503. */
export function retryStatus({ status, code }: Failure): number | undefined {
  const lasting = status === 507 || status === 501 || code === 'InsufficientStorage';
  if (lasting) {
    return 400;
  }
  return passing.has(code) || status === 408 || (status !== undefined && status < 300) ? 503 : status;
}

/** `what` is what was to be done, such as "upload data/a.bin". `where` is the address, for failures to reach it. */
export function s3Error(failure: Failure, what: string, where: string): S3Error {
  const { status, code } = failure;
  const said = `The S3 service answered ${status ?? '-'} (${code}).`;
  const wrong = (name: string, why: string, next: string): S3Error =>
    new S3Error(name, { what: `Could not ${what}.`, why, next }, failure);
  if (status === undefined) {
    return wrong(
      's3-unreachable',
      `${where} did not answer: ${code === 'Unknown' ? failure.message : code}.`,
      'Check the network and start again; what arrived is not sent twice.',
    );
  }
  if (status === 507 || code === 'InsufficientStorage') {
    return new S3Error(
      'volume-full',
      {
        what: 'The volume is full.',
        why: `Could not ${what}. A network volume also counts about 64 KB for every small file.`,
        next: 'Delete what is not needed on the volume, or enlarge it (a volume can grow, never shrink), and start again; what arrived is not sent twice.',
      },
      failure,
    );
  }
  if (status === 401 || status === 403) {
    return new S3Error(
      's3-denied',
      {
        what: `Could not ${what}.`,
        why: said,
        next: 'Check the S3 keys: they are made in the RunPod console under Settings > S3 API Keys and are not the API key.',
        remedies: [{ do: 'set-s3-keys' }],
      },
      failure,
    );
  }
  if (code === 'NoSuchBucket') {
    return wrong('s3-no-bucket', 'There is no such volume in this data center.', 'Check volume and data center.');
  }
  if (status === 404) {
    return wrong('s3-missing', 'It is not on the volume.', 'Refresh; it may have been deleted.');
  }
  if (status >= 500 || status === 429) {
    return wrong('s3-failing', `${said} It did so again and again.`, 'Try again later, or transfer through a pod.');
  }
  return wrong('s3-refused', said, 'Try again; if it stays so, transfer through a pod.');
}
