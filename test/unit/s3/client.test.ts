import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { s3DataCenters, s3Endpoint, VolumeStore } from '../../../src/core/s3/index.ts';
import { partBytesFor } from '../../../src/core/s3/multipart.ts';
import { useTempFolder } from '../../support/temp.ts';

const keys = { region: 'EU-RO-1', accessKeyId: 'user_abc', secretAccessKey: 'rps_SECRET' };

describe('the table of S3 addresses (R1.2)', () => {
  it('knows the data centers that have S3, whatever the case of the id', () => {
    assert.equal(s3Endpoint('US-MD-1'), 'https://s3api-us-md-1.runpod.io/');
    assert.equal(s3Endpoint('eu-ro-1'), 'https://s3api-eu-ro-1.runpod.io/');
    assert.equal(s3Endpoint('CA-MTL-3'), undefined);
    assert.equal(s3Endpoint('US-TX-3'), undefined);
    assert.equal(s3DataCenters().length, 15);
  });

  it('is extended by a map, and replaced by a template', () => {
    const own = { 'us-tx-3': 'https://s3.example.test', 'US-KS-2': '' };
    assert.equal(s3Endpoint('US-TX-3', { own }), 'https://s3.example.test');
    assert.equal(s3Endpoint('US-KS-2', { own }), undefined);
    assert.ok(s3DataCenters(own).includes('US-TX-3'));
    assert.ok(!s3DataCenters(own).includes('US-KS-2'));
    const template = 'http://127.0.0.1:9/{dataCenter}';
    assert.equal(s3Endpoint('AP-JP-1', { own, template }), 'http://127.0.0.1:9/ap-jp-1');
    assert.equal(s3Endpoint('US-MD-1', { template: '' }), 'https://s3api-us-md-1.runpod.io/');
  });
});

describe('an S3 access', () => {
  const make = (change: object) => () =>
    new VolumeStore({ endpoint: 'https://s3.example.test', ...keys, ...change }, 'v');
  it('is refused when keys would travel in clear text or are malformed', () => {
    for (const endpoint of ['http://s3.example.test', 'ftp://127.0.0.1', 'x', 'https://user@s3.example.test/']) {
      assert.throws(make({ endpoint }), { code: 's3-url' });
    }
    assert.throws(make({ secretAccessKey: '' }), { code: 's3-keys' });
    assert.throws(make({ accessKeyId: 'a b' }), { code: 's3-keys' });
    assert.equal(make({ endpoint: 'https://s3.example.test/' })().endpoint, 'https://s3.example.test');
  });
});

describe('parts of a large file', () => {
  it('grow so that there are at most 10,000', () => {
    const usual = 50 * 1024 * 1024;
    assert.equal(partBytesFor(20e9, usual), usual);
    for (const size of [1e12, 4e12]) {
      const bytes = partBytesFor(size, usual);
      assert.ok(Math.ceil(size / bytes) <= 10_000);
      assert.ok(bytes <= 500e6);
    }
  });
});

describe('the S3 client with a server that misbehaves (R2.1)', () => {
  const temp = useTempFolder();
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse, number: number) => void;
  let asked: IncomingMessage[];
  let store: VolumeStore;
  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request);
      request.resume();
      answer(request, response, asked.length);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const timing = { attempts: 4, baseMs: 1, maxDelayMs: 5, listPauseMs: 1, quietMs: 300 };
    store = new VolumeStore({ endpoint: `http://127.0.0.1:${port}`, ...keys }, 'volume', { timing });
  });
  afterEach(async () => {
    await store.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const page = (name: string, next: string | undefined): string =>
    `<?xml version="1.0"?><ListBucketResult><Name>volume</Name><IsTruncated>${next !== undefined}</IsTruncated>` +
    `<EncodingType>url</EncodingType><Contents><Key>f%2F${name}</Key><Size>1</Size></Contents>` +
    `${next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`;

  it('asks again for a listing that runs in a circle, and then says so', async () => {
    answer = (_request, response) => response.end(page('a+b%2Bc', 'again'));
    await assert.rejects(store.list('f'), { code: 's3-list-repeats' });
    assert.equal(asked.length, 6);
    asked = [];
    answer = (_request, response, number) => response.end(page(`n${number}`, number < 4 ? 'again' : undefined));
    assert.equal((await store.list('f')).length, 4);
  });

  it('says who it is, signs real hashes, keeps connections, sends no checksum trailers', async () => {
    answer = (request, response) => {
      response.setHeader('content-length', request.method === 'HEAD' ? 5 : 0);
      response.end();
    };
    await store.write('a b+c.txt', Buffer.from('hello'));
    const [put, head] = asked;
    assert.equal(put?.url, '/volume/a%20b%2Bc.txt?x-id=PutObject');
    assert.match(put.headers['user-agent'] ?? '', /runpod-trainer\/\d/);
    const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    assert.equal(put.headers['x-amz-content-sha256'], hello);
    assert.equal(put.headers['content-length'], '5');
    assert.ok(!Object.keys(put.headers).some((name) => /checksum|trailer|expect|transfer-encoding/.test(name)));
    assert.equal(head?.socket, put.socket);
  });

  it('gives a silent server up and tries again, and follows no redirect', async () => {
    answer = (_request, response, number) => {
      if (number > 2) response.end('ok');
    };
    assert.equal((await store.read('a', { maxBytes: 10 }).catch(String))?.toString(), 'ok');
    assert.equal(asked.length, 3);
    asked = [];
    answer = (_request, response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end();
    await assert.rejects(store.read('a', { maxBytes: 10 }), { code: 's3-refused' });
    assert.equal(asked.length, 1);
  });

  it('obeys Retry-After, and takes HTML of a proxy and a broken page for passing failures', async () => {
    const begun = performance.now();
    answer = (_request, response, number) => {
      if (number === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else if (number === 2) response.writeHead(502).end('<html><body>Bad gateway</p></html>');
      else if (number === 3) response.end('<?xml version="1.0"?><ListBucketResult><Contents>');
      else response.end(page('x', undefined));
    };
    assert.deepEqual((await store.list('f'))[0]?.name, 'x');
    // A timer may fire a fraction of a millisecond early.
    assert.ok(performance.now() - begun >= 990);
  });

  it('fetches a file from a server that knows no ranges', async () => {
    const content = Buffer.from('0123456789'.repeat(100));
    const { port } = server.address() as AddressInfo;
    const access = { endpoint: `http://127.0.0.1:${port}`, ...keys };
    const ranged = new VolumeStore(access, 'volume', { download: { rangeBytes: 300 } });
    answer = (request, response) => {
      response.setHeader('content-length', content.length);
      response.end(request.method === 'HEAD' ? undefined : content);
    };
    const file = path.join(temp.path, 'f');
    await ranged.download('f', file);
    assert.deepEqual(await readFile(file), content);
    await ranged.close();
  });
});
