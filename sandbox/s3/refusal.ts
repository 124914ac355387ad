import { element } from './xml.ts';

/** An answer of the S3 API that is not a success, thrown from anywhere below an operation. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly more: Record<string, string>;

  constructor(status: number, code: string, message: string, more: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }

  /** The XML body. */
  body(requestId: string): string {
    return element('Error', { Code: this.code, Message: this.message, ...this.more, RequestId: requestId });
  }
}

export const noSuchKey = (): Refusal => new Refusal(404, 'NoSuchKey', 'The specified key does not exist.');
export const noSuchUpload = (): Refusal =>
  new Refusal(404, 'NoSuchUpload', 'The specified multipart upload does not exist.');
export const accessDenied = (message = 'Access Denied.'): Refusal => new Refusal(403, 'AccessDenied', message);
export const badArgument = (message: string): Refusal => new Refusal(400, 'InvalidArgument', message);
export const notImplemented = (what: string): Refusal =>
  new Refusal(501, 'NotImplemented', `${what} is not implemented.`);
export const tooLarge = (limit: number): Refusal =>
  new Refusal(413, 'EntityTooLarge', `Your proposed upload exceeds the maximum allowed size (${String(limit)} bytes).`);
export const volumeFull = (): Refusal =>
  new Refusal(507, 'InsufficientStorage', 'There is not enough space on the network volume.');

const full = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const gone = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO'];

/** What an error of the file system means to a client; `missing` says what is not there. */
export function asRefusal(error: unknown, missing: () => Refusal = noSuchKey): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || error instanceof Refusal) return error;
  if (full.includes(code)) return volumeFull();
  if (gone.includes(code)) return missing();
  if (code === 'EACCES' || code === 'EPERM') return accessDenied();
  return error;
}
