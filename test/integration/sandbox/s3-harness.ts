import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  type CompleteMultipartUploadCommandOutput,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
  type PutObjectCommandOutput,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { startSandbox, type S3Faults, type Sandbox, type SandboxOptions } from '../../../sandbox/index.ts';
import { call, until, Workbench } from './harness.ts';

export const region = 'US-MD-1';
/** What `file` holds, see `startWithFile`. */
const fileContent = 'content';

/** A sandbox with a volume in a data center with S3, and the SDK's clients for it. */
export class S3Bench {
  readonly bench: Workbench;
  readonly sandbox: Sandbox;
  readonly client: S3Client;
  readonly volume: string;
  /** The volume's files on this machine. */
  readonly folder: string;
  readonly #clients: S3Client[] = [];

  private constructor(bench: Workbench, sandbox: Sandbox, volume: string) {
    this.bench = bench;
    this.sandbox = sandbox;
    this.volume = volume;
    this.folder = sandbox.volumeDirectory(volume);
    this.client = this.connect();
  }

  /** Starts the sandbox in a workbench of its own, or again in that of one that was stopped. */
  static async start(options: Partial<SandboxOptions> = {}, bench = new Workbench()): Promise<S3Bench> {
    const sandbox = await startSandbox({ root: path.join(bench.folder, 'root'), ...options });
    return new S3Bench(bench, sandbox, await makeVolume(sandbox, region));
  }

  /** One whose volume has the object `file`, which the tests leave as it is. */
  static async startWithFile(): Promise<S3Bench> {
    const s3 = await S3Bench.start();
    s3.write('file', fileContent);
    return s3;
  }

  get faults(): S3Faults {
    return this.sandbox.s3.faults;
  }

  /** A client that tries once and adds no checksums. */
  connect(more: S3ClientConfig = {}): S3Client {
    const client = new S3Client({
      endpoint: this.sandbox.s3Url,
      region,
      credentials: this.sandbox.s3Keys,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: 1,
      ...more,
    });
    this.#clients.push(client);
    return client;
  }

  put(Key: string, Body: string | Buffer = 'x', client = this.client): Promise<PutObjectCommandOutput> {
    return client.send(new PutObjectCommand({ Bucket: this.volume, Key, Body }));
  }

  /** The object's content, or the part of it that `Range` names. */
  async get(Key: string, Range?: string): Promise<Buffer> {
    const { Body } = await this.client.send(
      new GetObjectCommand({ Bucket: this.volume, Key, ...(Range && { Range }) }),
    );
    return Buffer.from(await Body!.transformToByteArray());
  }

  /** The answer that a client gets for an object. */
  getAs(client: S3Client, Key = 'file'): Promise<GetObjectCommandOutput> {
    return client.send(new GetObjectCommand({ Bucket: this.volume, Key }));
  }

  head(Key: string): Promise<HeadObjectCommandOutput> {
    return this.client.send(new HeadObjectCommand({ Bucket: this.volume, Key }));
  }

  /** An upload of one part, ready to be completed. */
  async upload(Key: string, data = pattern(100_000)): Promise<ReadyUpload> {
    const target = { Bucket: this.volume, Key };
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand(target));
    const { ETag } = await this.client.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: data }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    return {
      complete: (client = this.client, requestTimeout) =>
        client.send(
          new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }),
          requestTimeout === undefined ? {} : { requestTimeout },
        ),
      abort: () => this.client.send(new AbortMultipartUploadCommand({ ...target, UploadId })),
    };
  }

  at(key: string): string {
    return path.join(this.folder, key);
  }

  write(key: string, content: string | Buffer): void {
    mkdirSync(path.dirname(this.at(key)), { recursive: true });
    writeFileSync(this.at(key), content);
  }

  /** Whether nothing of bodies and uploads is left on the volume. */
  get clean(): boolean {
    return !existsSync(this.at('.s3compat_uploads'));
  }

  /** Checks that no upload was left unfinished, and that `file` is as it was. */
  assertUntouched(): void {
    assert.ok(this.clean, 'unfinished uploads were left');
    assert.equal(readFileSync(this.at('file'), 'utf8'), fileContent);
  }

  /** Takes all faults away and waits until no upload is unfinished. */
  async settle(): Promise<void> {
    this.faults.restore();
    await until('unfinished uploads to be gone', () => this.clean, 5);
  }

  /** Ends the sandbox and keeps its files. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.sandbox.close();
  }

  async close(): Promise<void> {
    await this.stop();
    this.bench.remove();
  }
}

export interface ReadyUpload {
  complete: (client?: S3Client, requestTimeout?: number) => Promise<CompleteMultipartUploadCommandOutput>;
  abort: () => Promise<unknown>;
}

export async function makeVolume(sandbox: Sandbox, dataCenter: string): Promise<string> {
  const body = { name: `data-${randomBytes(3).toString('hex')}`, size: 10, dataCenter };
  return (await call(sandbox, 'POST', '/network-volumes', body)).body.id;
}

/** Status and code of the refusal that a call ends with; the code is the error's name where there was no answer. */
export async function refused(promise: Promise<unknown>): Promise<[number | undefined, string]> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof S3ServiceException) return [error.$metadata.httpStatusCode, error.name];
    const { code, name, $metadata } = error as NodeJS.ErrnoException & { $metadata?: { httpStatusCode?: number } };
    return [$metadata?.httpStatusCode, code ?? name];
  }
  assert.fail('it was not refused');
}

export interface Raw {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** A request whose path is sent as it is. */
export function raw(
  url: string,
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Raw> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, method, path: target, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    request.once('error', reject);
    request.end(body);
  });
}

/** A change of a request of the SDK, before it is signed or after it. */
interface Seen {
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body?: unknown;
}

/** Changes what a client sends: `build` is before the signature, `deserialize` after it. */
export function change(client: S3Client, step: 'build' | 'deserialize', edit: (request: Seen) => void): S3Client {
  client.middlewareStack.add(
    (next) => (args) => {
      edit((args as unknown as { request: Seen }).request);
      return next(args);
    },
    { step, priority: 'low', name: 'change' } as { step: 'build' },
  );
  return client;
}

export const md5 = (data: Buffer | string): string => createHash('md5').update(data).digest('hex');

/** Bytes that are the same for the same seed. */
export function pattern(bytes: number, seed = 1): Buffer {
  const block = Buffer.alloc(4096);
  for (let at = 0; at < block.length; at++) block[at] = (at * 31 + seed * 17 + (at >> 8)) & 255;
  return Buffer.alloc(bytes, block);
}

/** All files below a folder. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
