import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { isBeingPrepared, JobRecords, leftPodEnds, type JobRecord } from '../../../src/core/journal/records.ts';
import { thisProcess } from '../../../src/core/processes.ts';
import { importing, inParallel } from '../../support/in-parallel.ts';
import { useTempFolder } from '../../support/temp.ts';
import { until } from '../../support/wait.ts';

/** No system has a process of this number. */
const nobody = 2 ** 30;

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

describe('job records', () => {
  const folder = useTempFolder();

  it('keep what another client wrote meanwhile, and how a job ended as it was said first', async () => {
    const records = new JobRecords(folder.path);
    await records.create(record('p-1'));
    await assert.rejects(records.create(record('p-1')), { code: 'job-exists' });
    await records.change('p-1', { phase: 'fetch', outcome: 'lost', reason: 'No word.' });
    await records.change('p-1', { outcome: 'succeeded', podEnded: '2026-01-01T01:00:00.000Z' });
    await records.change('p-1', { outcome: 'cancelled', reason: 'Late.', podEnded: '2026-01-01T02:00:00.000Z' });
    await records.change('p-1', { phase: 'done' });
    const now = await records.change('p-1', { phase: 'run', into: 'elsewhere' });
    assert.deepEqual(
      [now.phase, now.outcome, now.reason, now.podEnded, now.into],
      ['done', 'succeeded', undefined, '2026-01-01T01:00:00.000Z', 'elsewhere'],
    );
    assert.deepEqual(await records.get('p-1'), now);
  });

  it('tell by when the pod of a client that was killed ends itself, and where nothing on it does (R4.3)', () => {
    const pod = { id: 'a', name: 'rpt-p', created: '2026-01-01T00:00:00.000Z', hardware: 'CPU', costPerHour: 0.07 };
    const official = { pod: { ...pod, aloneUntil: '2026-01-01T00:42:00.000Z' } };
    assert.equal(leftPodEnds(record('p', { phase: 'wait', pod })), undefined);
    assert.deepEqual(leftPodEnds(record('p', { phase: 'wait', ...official })), new Date('2026-01-01T00:42:00.000Z'));
    // From the transfer on its keeper waits half an hour for the next sign of life.
    const late = { phase: 'transfer', updated: '2026-01-01T00:20:00.000Z' } as const;
    assert.deepEqual(leftPodEnds(record('p', { ...late, pod })), new Date('2026-01-01T00:50:00.000Z'));
    assert.deepEqual(leftPodEnds(record('p', { ...late, ...official })), new Date('2026-01-01T00:50:00.000Z'));
  });

  it('keep the reason with which a job stopped when it is cancelled afterwards', async () => {
    const records = new JobRecords(folder.path);
    await records.create(record('p-1'));
    await records.change('p-1', { phase: 'done', reason: 'SSH refused.' });
    const cancelled = await records.change('p-1', { outcome: 'cancelled' });
    assert.deepEqual([cancelled.outcome, cancelled.reason], ['cancelled', 'SSH refused.']);
    await records.create(record('p-2'));
    await records.change('p-2', { outcome: 'lost', reason: 'The worker is gone.' });
    const lost = await records.change('p-2', { outcome: 'lost' });
    assert.equal(lost.reason, 'The worker is gone.');
    await records.change('p-2', { outcome: 'succeeded' });
    const told = await records.change('p-2', { reason: 'Its pod went on with another job.' });
    assert.deepEqual([told.outcome, told.reason], ['succeeded', undefined]);
  });

  it('that are gone stop nobody who is at work on the job, and are not made anew', async () => {
    const records = new JobRecords(folder.path);
    const known = record('p-1', { pod: { id: 'x', name: 'n', created: '', hardware: 'L4', costPerHour: 1 } });
    const now = await records.changeIfThere(known, { podEnded: '2026-01-01T01:00:00.000Z' });
    assert.deepEqual([now.pod?.id, now.podEnded], ['x', '2026-01-01T01:00:00.000Z']);
    assert.equal(await records.get('p-1'), undefined);
  });

  it('are not made anew by a change when they are gone', async () => {
    const records = new JobRecords(folder.path);
    await assert.rejects(records.change('p-1', { phase: 'done' }), { code: 'record-gone' });
    assert.deepEqual(await records.list(), []);
  });

  it('that are damaged are read from their copy, and mended by the next change', async () => {
    const records = new JobRecords(folder.path);
    await records.create(record('p-1', { project: 'mine' }));
    const file = join(records.folderOf('p-1'), 'record.json');
    for (const text of ['', '{"schema": 1, "jo', '[]', '{"schema":1}']) {
      await writeFile(file, text);
      assert.equal((await records.get('p-1'))?.project, 'mine', text);
      assert.equal((await records.find('p-1')).project, 'mine');
      assert.deepEqual(await records.unreadable(), []);
      await records.change('p-1', { phase: 'fetch' });
      assert.equal((JSON.parse(await readFile(file, 'utf8')) as JobRecord).phase, 'fetch');
    }
  });

  it('that cannot be read at all are listed with the reason, and harm no other', async () => {
    const records = new JobRecords(folder.path);
    for (const job of ['p-good', 'p-damaged', 'p-closed', 'p-newer']) {
      await records.create(record(job));
    }
    const file = (job: string): string => join(records.folderOf(job), 'record.json');
    const copy = (job: string): string => join(records.folderOf(job), 'record.copy.json');
    await writeFile(file('p-damaged'), '{');
    await writeFile(copy('p-damaged'), '{');
    // What no user can read, root neither.
    for (const place of [file('p-closed'), copy('p-closed')]) {
      await rm(place);
      await mkdir(place);
    }
    const newer = JSON.stringify({ schema: 2, job: 'p-newer' });
    await writeFile(file('p-newer'), newer);
    await writeFile(join(records.folder, 'a file'), '');
    assert.deepEqual(
      (await records.list()).map((r) => r.job),
      ['p-good'],
    );
    const found = (await records.unreadable()).map(({ job, fault }) => `${job} ${fault}`);
    assert.deepEqual(found.sort(), ['p-closed closed', 'p-damaged damaged', 'p-newer newer']);
    for (const job of ['p-damaged', 'p-closed', 'p-newer']) {
      const refused = { code: 'record-unreadable', remedies: [{ do: 'find-unused' }] };
      await assert.rejects(records.find(job), refused);
      await assert.rejects(records.change(job, { phase: 'done' }), refused);
      assert.equal((await records.changeIfThere(record(job), { phase: 'done' })).phase, 'done');
    }
    assert.equal(await readFile(file('p-newer'), 'utf8'), newer, 'what a newer release wrote stays');
    assert.equal(await records.keep(record('p-newer')), false);
    assert.equal(await records.keep(record('p-closed')), false);
    assert.equal(await records.keep(record('p-damaged', { project: 'known' })), true);
    assert.equal((await records.find('p-damaged')).project, 'known');
  });

  it('lose nothing when two processes change them at the same time', async () => {
    const records = new JobRecords(folder.path);
    await records.create(record('p-1', { phase: 'check' }));
    const writer = (change: string): string => `${importing('JobRecords', 'core/journal/records.ts')}
      const records = new JobRecords(${JSON.stringify(folder.path)});
      for (let i = 1; i <= 200; i += 1) {
        await records.change('p-1', (now) => (${change}));
      }`;
    await inParallel(
      // The one that ends the job while the other one still knows it as running.
      writer(`{ into: String(Number(now.into) + 1 || 1), ...(i === 150 && { phase: 'done', outcome: 'succeeded' }) }`),
      writer(
        `{ phase: 'run', fetch: [...now.fetch, String(i)], ...(i === 100 && { podEnded: '2026-01-01T01:00:00Z' }) }`,
      ),
    );
    const now = await records.get('p-1');
    assert.deepEqual(
      [now?.into, now?.fetch, now?.phase, now?.outcome, now?.podEnded],
      ['200', Array.from({ length: 200 }, (_, i) => String(i + 1)), 'done', 'succeeded', '2026-01-01T01:00:00Z'],
    );
  }).timeout(60_000);

  it('are found by a unique beginning or end; the newest without a name', async () => {
    const records = new JobRecords(folder.path);
    await assert.rejects(records.find(undefined), { code: 'no-jobs' });
    await records.create(record('p-20260101-aaaa'));
    await records.create(record('p-20260102-bbbb', { created: '2026-01-02T00:00:00.000Z' }));
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
    const text = `${importing('JobRecords', 'core/journal/records.ts')}
      const records = new JobRecords(${JSON.stringify(folder.path)});
      const journal = Buffer.from(${JSON.stringify(journal.toString('base64'))}, 'base64');
      const size = 37 + Number(process.argv[1]) * 101;
      for (let at = 0; at < journal.length; at += size) {
        await records.writeJournal('p-1', at, journal.subarray(at, at + size));
      }`;
    await inParallel(text, text, text);
    const file = new JobRecords(folder.path).journalFile('p-1');
    assert.ok((await readFile(file)).equals(journal));
  });

  it('are written now and then while a client prepares the job, so that others see it alive', async () => {
    const records = new JobRecords(folder.path);
    const { updated } = await records.create(record('p-1', { phase: 'wait' }));
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const stop = records.showPreparing('p-1');
      await new Promise((resolve) => setTimeout(resolve, 5));
      mock.timers.tick(20_000);
      await until('the record is written', async () => (await records.get('p-1'))?.updated !== updated);
      stop();
    } finally {
      mock.timers.reset();
    }
    assert.equal((await records.get('p-1'))?.phase, 'wait');
  });

  it('tell whether a client prepares the job: by its process, else by when it wrote last', () => {
    const here = { host: 'machine', ...thisProcess() };
    const asked = (client: JobRecord['client'], more: Partial<JobRecord> = {}): string =>
      isBeingPrepared(record('p', { phase: 'wait', client, ...more }));
    const now = { updated: new Date().toISOString() };
    assert.equal(asked(here), 'yes');
    assert.equal(asked(here, { phase: 'run' }), 'no');
    assert.equal(asked({ ...here, pid: nobody }, now), 'no');
    const elsewhere = { ...here, boot: 'another' };
    assert.equal(asked(elsewhere, now), 'yes');
    assert.equal(asked(elsewhere), 'no');
    // From before boots were noted.
    assert.equal(asked(undefined, now), 'unknown');
    assert.equal(asked({ host: 'elsewhere', pid: process.pid }, now), 'unknown');
    assert.equal(asked({ host: hostname(), pid: process.pid }), 'yes');
    assert.equal(asked({ host: hostname(), pid: nobody }, now), 'no');
  });
});
