import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { xmlAnswer, type Answer } from './answers.ts';
import { Body } from './body.ts';
import type { S3Faults, S3Weather } from './faults.ts';
import type { Bucket } from './context.ts';
import { handlers } from './handlers.ts';
import { splitUrl } from './keys.ts';
import { operationOf, type Operation } from './operations.ts';
import { accessDenied, Refusal } from './refusal.ts';
import { hasS3 } from './regions.ts';
import { send, sendRefusal } from './sending.ts';
import { queryOf, verify, type S3Keys } from './signature.ts';

export interface S3ServerSettings {
  keys: S3Keys;
  faults: S3Faults;
  /** All volumes, also those of data centers without S3. */
  buckets: () => Bucket[];
  log: (line: string) => void;
}

/** Operations that wait at their own moment on a bad day. */
const waitThemselves: readonly Operation[] = ['PutObject', 'CopyObject', 'UploadPart', 'CompleteMultipartUpload'];

/** The one gate that every request passes: origin, data center, signature, operation, fault. Loopback only. */
export class S3Server {
  readonly #settings: S3ServerSettings;
  readonly #server: Server;
  #port = 0;
  #resets = false;
  readonly #atWork = new Set<Promise<void>>();

  constructor(settings: S3ServerSettings) {
    this.#settings = settings;
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      const work = this.#serve(request, response).finally(() => this.#atWork.delete(work));
      this.#atWork.add(work);
    };
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, serve);
    // Bodies are asked for when they are read, so that a refusal comes first.
    this.#server.on('checkContinue', serve);
    this.#server.on('connection', (socket) => {
      if (this.#resets) socket.resetAndDestroy();
    });
  }

  /** Listens on 127.0.0.1; resolves to the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.#port;
  }

  /** Goes away: connections are refused, as by a machine without the service, or reset, as by a broken one. */
  async down(how: 'refused' | 'reset'): Promise<void> {
    this.#resets = how === 'reset';
    if (how === 'refused') await this.#stop();
    else this.#server.closeAllConnections();
  }

  /** Comes back at the same address. */
  async up(): Promise<void> {
    this.#resets = false;
    if (!this.#server.listening) await this.listen(this.#port);
  }

  /** Stops listening and waits until no request is at work any more. */
  async close(): Promise<void> {
    await this.#stop();
    while (this.#atWork.size > 0) await Promise.all(this.#atWork);
  }

  async #stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const requestId = randomBytes(8).toString('hex').toUpperCase();
    response.setHeader('x-amz-request-id', requestId);
    // Who breaks off is told of by the reader or writer that notices.
    for (const end of [request, response]) end.on('error', () => undefined);
    try {
      const answered = await this.#answer(request, response);
      if (answered !== undefined) await send(response, answered.answer, answered.weather);
    } catch (error) {
      // A body that was never asked for must not be taken for the next request.
      if (request.headers.expect !== undefined && !response.headersSent) response.setHeader('Connection', 'close');
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', 'internal error');
      const broken = request.destroyed && !request.complete;
      if (!(error instanceof Refusal) && !broken) {
        this.#settings.log(`s3 ${request.method ?? ''}: ${String(error)}`);
      }
      if (response.headersSent) response.destroy();
      else if (!response.destroyed) sendRefusal(response, refusal, requestId);
    }
    const ms = (performance.now() - started).toFixed(0);
    const path = (request.url ?? '').split('?')[0] ?? '';
    this.#settings.log(`s3 ${request.method ?? ''} ${path} ${String(response.statusCode)} ${ms} ms`);
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ answer: Answer; weather: S3Weather } | undefined> {
    const { faults, keys } = this.#settings;
    this.#checkOrigin(request);
    const url = request.url ?? '/';
    const { bucket: id, key } = splitUrl(url);
    const bucket = this.#settings.buckets().find((one) => one.id === id);
    if (bucket !== undefined && !hasS3(bucket.dataCenter)) {
      // The platform has no host for such a data center.
      request.socket.resetAndDestroy();
      return undefined;
    }
    const { region, payload } = verify(request, keys, Date.now());
    const query = queryOf(url);
    const operation = operationOf(request.method ?? '', id, key, query, Object.keys(request.headers));
    const weather = faults.meet({ operation, key });
    const { cut } = weather;
    const rules = { unsigned: faults.unsignedPayloads, trailers: faults.trailers };
    const body = new Body(request, response, payload, rules, (total) => {
      if (cut?.direction === 'up' && total >= cut.bytes) request.socket.resetAndDestroy();
    });
    if (!waitThemselves.includes(operation) || weather.before !== undefined) await weather.held();
    if (weather.before !== undefined) throw weather.before;
    const here = region.toUpperCase();
    let answer: Answer;
    if (operation === 'ListBuckets') answer = this.#listBuckets(here);
    else {
      const context = { key, query, headers: request.headers, body, faults, weather };
      const findBucket = (wanted: string): Bucket => this.#findBucket(wanted, here);
      answer = await handlers[operation]({ ...context, bucket: findBucket(id), findBucket });
    }
    if (weather.after !== undefined) {
      await answer.content?.file?.close();
      throw weather.after;
    }
    return { answer, weather };
  }

  /** A web page of the user's browser must not reach the sandbox: not by another host name, not from any origin. */
  #checkOrigin(request: IncomingMessage): void {
    const hosts = ['127.0.0.1', 'localhost'].map((host) => `${host}:${String(this.#port)}`);
    if (!hosts.includes(request.headers.host ?? '')) throw accessDenied('unknown host');
    if (request.headers.origin !== undefined) throw accessDenied('requests of web pages are refused');
  }

  /** A volume of the data center that the request was signed for. */
  #findBucket(id: string, region: string): Bucket {
    const bucket = this.#settings.buckets().find((one) => one.id === id && hasS3(one.dataCenter));
    if (bucket === undefined) throw new Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist');
    if (bucket.dataCenter !== region) {
      const expected = bucket.dataCenter;
      throw new Refusal(
        400,
        'AuthorizationHeaderMalformed',
        `The authorization header is malformed; the region is wrong; expecting '${expected}'`,
        { Region: expected },
      );
    }
    return bucket;
  }

  #listBuckets(region: string): Answer {
    const here = this.#settings.buckets().filter((one) => one.dataCenter === region);
    return xmlAnswer('ListAllMyBucketsResult', {
      Buckets: { Bucket: here.map((one) => ({ Name: one.id, CreationDate: new Date(0).toISOString() })) },
    });
  }
}
