import assert from 'node:assert/strict';
import { appendFile, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JobJournals } from '../../../src/core/journal/job-journals.ts';
import { JobRecords, type JobRecord } from '../../../src/core/journal/records.ts';
import type { JobView } from '../../../src/core/journal/view.ts';
import { journalLines, makePastJobs } from '../../support/past-jobs.ts';
import { useTempFolder } from '../../support/temp.ts';

interface Past {
  records: JobRecords;
  record: JobRecord;
  journal: string;
  kept: string;
}

async function pastJob(home: string, logLines = 60): Promise<Past> {
  const root = join(home, 'project');
  const [job = ''] = makePastJobs(home, { count: 1, logLines, root });
  const records = new JobRecords(home);
  const record = await records.get(job);
  assert.ok(record !== undefined);
  return { records, record, journal: records.journalFile(job), kept: join(records.folderOf(job), 'view.json') };
}

/** As a window or a terminal that has just been started sees the job. */
async function seen({ records, record }: Past, more: Partial<JobRecord> = {}): Promise<JobView> {
  const journals = new JobJournals(records, { ...record, ...more });
  await journals.read();
  return journals.view;
}

/** The same from the journal alone. */
async function whole({ records, record }: Past): Promise<JobView> {
  const journals = new JobJournals(records, record, { event: () => undefined, restart: () => undefined });
  await journals.read();
  return journals.view;
}

describe('how a job stood when its journals were last read (R9.2, R9.5)', () => {
  const temp = useTempFolder();

  it('lies beside the record of a job that is over, whose journal nobody reads again', async () => {
    const past = await pastJob(temp.path);
    const time = new Date('2026-01-02T00:00:00.000Z');
    await utimes(past.journal, time, time);
    const first = await seen(past);
    assert.equal(first.status, 'succeeded');
    // Whoever read it now would see nothing of the job.
    const { size } = await stat(past.journal);
    await writeFile(past.journal, Buffer.alloc(size, 'x'));
    await utimes(past.journal, time, time);
    assert.deepEqual(await seen(past), first);
  });

  it('is the same as from the journal, wherever that was cut when it was read before', async () => {
    const past = await pastJob(temp.path);
    const bytes = await readFile(past.journal);
    const expected = await whole(past);
    for (let cut = 0; cut <= bytes.length; cut += 997) {
      await rm(past.kept, { force: true });
      await writeFile(past.journal, bytes.subarray(0, cut));
      await seen(past);
      await appendFile(past.journal, bytes.subarray(cut));
      assert.deepEqual(await seen(past), expected, `cut at ${cut}`);
    }
  });

  it('does not count for a journal that is another one, longer or not', async () => {
    const past = await pastJob(temp.path);
    await seen(past);
    for (const logLines of [30, 60, 300]) {
      await writeFile(past.journal, journalLines(past.record.job, logLines, Date.UTC(2026, 6, 1)));
      assert.equal((await seen(past)).started, '2026-07-01T00:00:00.000Z');
      assert.deepEqual(await seen(past), await whole(past));
    }
    await rename(past.journal, `${past.journal}.aside`);
    assert.equal((await seen(past)).status, 'starting');
  });

  for (const [name, spoil] of [
    ['is missing', (path: string) => rm(path)],
    [
      'is of an older form',
      async (path: string) => writeFile(path, (await readFile(path, 'utf8')).replace(/"form":\d+/, '"form":0')),
    ],
    ['is half written', async (path: string) => writeFile(path, (await readFile(path, 'utf8')).slice(0, 200))],
    [
      'says what no view says',
      async (path: string) => writeFile(path, (await readFile(path, 'utf8')).replace('"succeeded"', '"sunk"')),
    ],
  ] as const) {
    it(`is made anew where it ${name}`, async () => {
      const past = await pastJob(temp.path);
      const first = await seen(past);
      await spoil(past.kept);
      assert.deepEqual(await seen(past), first);
      assert.match(await readFile(past.kept, 'utf8'), /"form":1.*"succeeded"/);
    });
  }

  it('is kept only now and then while the job goes on', async () => {
    const past = await pastJob(temp.path);
    await seen(past, { phase: 'run' });
    await assert.rejects(stat(past.kept), { code: 'ENOENT' });
    await writeFile(past.journal, journalLines(past.record.job, 20_000));
    await seen(past, { phase: 'run' });
    assert.ok((await stat(past.kept)).size < 20_000);
  });

  it('brings no folder back of a job that was taken away meanwhile, and can be read by its owner alone', async () => {
    const past = await pastJob(temp.path);
    await seen(past);
    assert.equal((await stat(past.kept)).mode & 0o777, 0o600);
    const folder = past.records.folderOf(past.record.job);
    await rm(join(folder, 'record.json'));
    await rm(past.kept);
    await seen(past);
    await assert.rejects(stat(past.kept), { code: 'ENOENT' });
  });

  it('keeps nothing from who wants to hear every event', async () => {
    const past = await pastJob(temp.path);
    await seen(past);
    let events = 0;
    const journals = new JobJournals(past.records, past.record, {
      event: () => (events += 1),
      restart: () => undefined,
    });
    await journals.read();
    const lines = (await readFile(past.journal, 'utf8')).split('\n').length - 1;
    assert.equal(events, lines);
  });
});
