import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileKeyPair } from '../../../src/core/home/installation.ts';
import { isBeingPrepared, JobRecords, type JobRecord } from '../../../src/core/journal/records.ts';
import { useTempFolder } from '../../support/temp.ts';

const source = path.resolve(import.meta.dirname, '..', '..', '..', 'src', 'core');

function record(job: string, more: Partial<JobRecord> = {}): JobRecord {
  return {
    schema: 1,
    job,
    project: 'p',
    file: '/p/x.runpod.json',
    root: '/p',
    restUrl: 'http://127.0.0.1/v2',
    onFinish: 'terminate',
    fetch: [],
    into: 'runpod-results',
    phase: 'run',
    created: `2026-01-01T00:00:00.000Z`,
    updated: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

/** Runs a module's text in processes of their own, at the same time. */
async function inParallel(count: number, text: string): Promise<string[]> {
  const runs = Array.from({ length: count }, (_, i) =>
    promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', text, String(i)]),
  );
  return (await Promise.all(runs)).map((r) => r.stdout);
}

describe('job records', () => {
  const folder = useTempFolder();

  it('keep what another client wrote meanwhile', async () => {
    const records = new JobRecords(folder.path);
    const mine = await records.save(record('p-1'));
    await records.save({ ...mine, podEnded: '2026-01-01T01:00:00.000Z', outcome: 'succeeded' });
    await records.save({ ...mine, phase: 'done' });
    const now = await records.get('p-1');
    assert.deepEqual([now?.phase, now?.outcome, now?.podEnded], ['done', 'succeeded', '2026-01-01T01:00:00.000Z']);
  });

  it('are found by a unique beginning or end; the newest without a name', async () => {
    const records = new JobRecords(folder.path);
    await assert.rejects(records.find(undefined), { code: 'no-jobs' });
    await records.save(record('p-20260101-aaaa'));
    await records.save(record('p-20260102-bbbb', { created: '2026-01-02T00:00:00.000Z' }));
    assert.equal((await records.find(undefined)).job, 'p-20260102-bbbb');
    assert.equal((await records.find('aaaa')).job, 'p-20260101-aaaa');
    assert.equal((await records.find('p-20260101')).job, 'p-20260101-aaaa');
    await assert.rejects(records.find('p-'), { code: 'job-unknown', message: /fits 2 jobs/ });
    await assert.rejects(records.find('zzzz'), {
      code: 'job-unknown',
      remedies: [{ do: 'show-jobs' }],
    });
  });

  it('hold a journal that several processes write at the same time as if one had', async () => {
    const journal = Buffer.from(Array.from({ length: 400 }, (_, i) => `{"line":${i}}\n`).join(''));
    const text = `
      import { JobRecords } from ${JSON.stringify(path.join(source, 'journal', 'records.ts'))};
      const records = new JobRecords(${JSON.stringify(folder.path)});
      const journal = Buffer.from(${JSON.stringify(journal.toString('base64'))}, 'base64');
      const size = 37 + Number(process.argv[1]) * 101;
      for (let at = 0; at < journal.length; at += size) {
        await records.writeJournal('p-1', at, journal.subarray(at, at + size));
      }`;
    await inParallel(3, text);
    const file = new JobRecords(folder.path).journalFile('p-1');
    assert.ok((await readFile(file)).equals(journal));
  });

  it('tell whether the process that prepares a job is alive', async () => {
    const client = { host: hostname(), pid: process.pid };
    assert.equal(isBeingPrepared(record('p', { phase: 'wait', client })), true);
    assert.equal(isBeingPrepared(record('p', { phase: 'run', client })), false);
    assert.equal(isBeingPrepared(record('p', { phase: 'wait', client: { ...client, host: 'elsewhere' } })), false);
    assert.equal(isBeingPrepared(record('p', { phase: 'wait' })), false);
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(isBeingPrepared(record('p', { phase: 'wait', client: { ...client, pid: child.pid ?? 0 } })), false);
  });
});

describe('the SSH key of an installation', () => {
  const folder = useTempFolder();

  it('is the same for commands that are the first at the same time', async () => {
    const text = `
      import { fileKeyPair } from ${JSON.stringify(path.join(source, 'home', 'installation.ts'))};
      console.log(JSON.stringify(await fileKeyPair(${JSON.stringify(folder.path)})));`;
    const pairs = await inParallel(3, text);
    assert.equal(new Set(pairs).size, 1);
    assert.deepEqual(await fileKeyPair(folder.path), JSON.parse(pairs[0] ?? ''));
  });
});
