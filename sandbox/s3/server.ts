import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoopbackServer } from '../loopback.ts';
import { xmlAnswer, type Answer } from './answers.ts';
import { Body } from './body.ts';
import type { S3Faults, S3Weather } from './faults.ts';
import type { Bucket } from './context.ts';
import { handlers } from './handlers.ts';
import { splitUrl } from './keys.ts';
import { operationOf, type Operation } from './operations.ts';
import { accessDenied, Refusal } from './refusal.ts';
import { send, sendRefusal } from './sending.ts';
import { queryOf, verify, type S3Keys } from './signature.ts';

/** Data centers whose network volumes are reached by S3, as published in 2026. */
const withS3 = new Set([
  'EU-CZ-1',
  'EU-RO-1',
  'EUR-IS-1',
  'EUR-NO-1',
  'US-CA-2',
  'US-GA-2',
  'US-IL-1',
  'US-KS-2',
  'US-MD-1',
  'US-MO-1',
  'US-MO-2',
  'US-NC-1',
  'US-NC-2',
  'US-NE-1',
  'US-WA-1',
]);

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
export class S3Server extends LoopbackServer {
  readonly #settings: S3ServerSettings;
  readonly #atWork = new Set<Promise<void>>();

  constructor(settings: S3ServerSettings) {
    super({ requestTimeout: 0, keepAliveTimeout: 60_000 });
    this.#settings = settings;
    // Bodies are asked for when they are read, so that a refusal comes first.
    this.server.on('checkContinue', (request, response) => this.serve(request, response));
  }

  protected override serve(request: IncomingMessage, response: ServerResponse): void {
    const work = this.#serve(request, response).finally(() => this.#atWork.delete(work));
    this.#atWork.add(work);
  }

  /** Stops listening and waits until no request is at work any more. */
  override async close(): Promise<void> {
    await super.close();
    while (this.#atWork.size > 0) await Promise.all(this.#atWork);
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
    const stranger = this.strangerIn(request);
    if (stranger !== undefined) throw accessDenied(stranger);
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

function hasS3(dataCenter: string): boolean {
  return withS3.has(dataCenter);
}
