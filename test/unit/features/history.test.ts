import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JobRecords } from '../../../src/core/journal/records.ts';
import { recordedHistory, type JobSummary } from '../../../src/features/jobs/history.ts';
import { makePastJobs } from '../../support/past-jobs.ts';
import { useTempFolder } from '../../support/temp.ts';

/** Bytes that this process has read from files so far. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

const shown = (home: string): Promise<JobSummary[]> =>
  recordedHistory(new JobRecords(home)).list(new AbortController().signal);

describe('the jobs of the past (R9.1, R9.2)', () => {
  const temp = useTempFolder();

  it('are 1,000 and shown without a byte of their journals', async () => {
    const jobs = makePastJobs(temp.path, { count: 1_000, logLines: 300 });
    const first = await shown(temp.path);
    assert.equal(first.length, 1_000);
    const before = bytesRead();
    const second = await shown(temp.path);
    const read = bytesRead() - before;
    assert.deepEqual(
      second.map(({ job, view, cost }) => ({ job, view, cost })),
      first.map(({ job, view, cost }) => ({ job, view, cost })),
    );
    assert.equal(second[0]?.view.steps.length, 6);
    const records = new JobRecords(temp.path);
    const sizeOf = async (file: string): Promise<number> =>
      (await stat(join(records.folderOf(jobs[0] ?? ''), file))).size;
    const allowed = 1_000 * ((await sizeOf('record.json')) + (await sizeOf('view.json')) + 200);
    assert.ok(read < allowed, `${read} bytes were read; the records and views have ${allowed}`);
    assert.ok(read < 0.25 * 1_000 * (await sizeOf('events.jsonl')), `${read} bytes were read`);
  }).timeout(120_000);

  it('are looked at again without reading any file that is as it was', async () => {
    makePastJobs(temp.path, { count: 50, logLines: 30 });
    const history = recordedHistory(new JobRecords(temp.path));
    const { signal } = new AbortController();
    const first = await history.list(signal);
    const before = bytesRead();
    assert.deepEqual(
      (await history.list(signal)).map(({ job }) => job),
      first.map(({ job }) => job),
    );
    assert.ok(bytesRead() - before < 2_000, `${bytesRead() - before} bytes were read`);
  });

  it('show what another process writes, and forget what it takes away', async () => {
    const [one = '', two = ''] = makePastJobs(temp.path, { count: 2, logLines: 30 });
    const history = recordedHistory(new JobRecords(temp.path));
    const { signal } = new AbortController();
    await history.list(signal);
    const others = new JobRecords(temp.path);
    await others.change(one, { project: 'songs of others' });
    await rm(others.folderOf(two), { recursive: true });
    const now = await history.list(signal);
    assert.deepEqual(
      now.map(({ job, project }) => [job, project]),
      [[one, 'songs of others']],
    );
    await writeFile(join(others.folderOf(one), 'record.json'), '{');
    await writeFile(join(others.folderOf(one), 'record.copy.json'), '{');
    assert.match((await history.list(signal))[0]?.unreadable ?? '', /damaged/);
  });
});
