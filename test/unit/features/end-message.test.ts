import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { JobRecords, type JobRecord } from '../../../src/core/journal/records.ts';
import { Failures } from '../../../src/features/common/failures.ts';
import type { Log } from '../../../src/features/common/log.ts';
import { AttachedJobs } from '../../../src/features/jobs/attached-jobs.ts';
import { endMessage, type EndedJob } from '../../../src/features/jobs/end-message.ts';
import { tellsFirst } from '../../../src/features/jobs/tell-once.ts';
import { useTempFolder } from '../../support/temp.ts';

const vs = { Uri: { file: String } } as unknown as typeof vscode;
const record: JobRecord = {
  schema: 1,
  job: 'p-1',
  project: 'p',
  file: '/p/training.runpod.json',
  root: '/p',
  restUrl: 'https://api.runpod.io/v2',
  onFinish: 'terminate',
  fetch: [],
  into: 'runpod-results',
  phase: 'done',
  outcome: 'succeeded',
  created: '2026-01-01T00:00:00.000Z',
  updated: '2026-01-01T06:00:00.000Z',
  fetched: { time: '2026-01-01T06:00:00.000Z', files: 3, bytes: 10 },
};
const after = (minutes: number): number => Date.parse(record.created) + minutes * 60_000;
const ended = (more: Partial<EndedJob> = {}): EndedJob => ({
  record,
  outcome: 'succeeded',
  cost: { metered: 4.4 },
  ...more,
});
const options = { longMs: 5 * 60_000, isWatched: false };

describe('how the end of a job is told (R9.1)', () => {
  it('a success of a long job is told in a message with its results', () => {
    const told = endMessage(vs, ended(), options, after(360));
    assert.equal(told?.how, 'information');
    assert.match(told.text, /^p succeeded after 6 h, \$4\.40\.$/);
    assert.deepEqual(
      told.buttons.map((b) => [b.title, b.arguments]),
      [
        ['Open Results', [{ id: 'p-1' }]],
        ['Open Job', [{ id: 'p-1' }]],
      ],
    );
  });

  it('a success of a short job is quiet, and so is one that the user looks at or wants to be quiet', () => {
    const how = (minutes: number, more: Partial<typeof options> = {}): string | undefined =>
      endMessage(vs, ended(), { ...options, ...more }, after(minutes))?.how;
    assert.equal(how(4.9), 'status');
    assert.equal(how(5), 'information');
    assert.equal(how(360, { isWatched: true }), 'status');
    assert.equal(how(360, { longMs: Infinity }), 'status');
  });

  it('a failure is told however short the job was, but not beside the panel that says it', () => {
    const lost = ended({ outcome: 'failed', reason: 'A gate does not hold.' });
    const told = endMessage(vs, lost, options, after(1));
    assert.deepEqual([told?.how, told?.buttons[0]?.title], ['error', 'Explain Failure…']);
    assert.equal(endMessage(vs, lost, { ...options, isWatched: true }, after(1)), undefined);
    for (const outcome of ['cancelled', 'detached'] as const) {
      assert.equal(endMessage(vs, ended({ outcome }), options, after(1)), undefined);
    }
  });

  it('a failure in the sandbox reads as a sentence too (R9.7)', () => {
    const free = { ...record, restUrl: 'http://127.0.0.1:1234/v1' };
    const told = endMessage(vs, ended({ record: free, outcome: 'failed', reason: 'A gate does not hold.' }), options);
    assert.equal(told?.text, 'p failed (free here, $4.40 on RunPod). A gate does not hold.');
  });
});

describe('windows that hear of the same end', () => {
  const folder = useTempFolder();

  it('tell it once, however many there are', async () => {
    await mkdir(join(folder.path, 'p-1'));
    const first = (what: string): Promise<boolean> => tellsFirst({ folder: folder.path }, 'p-1', what);
    const all = await Promise.all(Array.from({ length: 8 }, () => first('failed')));
    assert.equal(all.filter(Boolean).length, 1);
    assert.equal(await first('../No cap holds while this computer is off.'), true);
  });

  it('leave it to the one that the user looks at', async () => {
    await mkdir(join(folder.path, 'jobs', 'p-1'), { recursive: true });
    const shown: string[] = [];
    const failures = new Failures(vs, {} as Log);
    const windowOf = (name: string, focused: boolean): AttachedJobs => {
      const window = {
        state: { focused },
        createOutputChannel: () => ({}),
        showErrorMessage: (text: string) => {
          shown.push(`${name}: ${text}`);
          return Promise.resolve(undefined);
        },
      };
      const telling = { records: () => Promise.resolve(new JobRecords(folder.path)), longMs: () => Infinity };
      return new AttachedJobs({ ...vs, window } as unknown as typeof vscode, failures, telling, () => undefined);
    };
    const [behind, before] = [windowOf('behind', false), windowOf('before', true)];
    const lost = ended({ outcome: 'failed', reason: 'A gate does not hold.' });
    await Promise.all([behind.tell(lost), before.tell(lost)]);
    assert.deepEqual(shown, ['before: p failed ($4.40). A gate does not hold.']);
    before.watchedWith(() => true);
    await before.tell(ended({ outcome: 'lost' }));
    assert.equal(shown.length, 1, 'not beside the panel that says it');
  });

  it('tell it rather twice than never', async () => {
    assert.equal(await tellsFirst({ folder: join(folder.path, 'gone') }, 'p', 'failed'), true);
  });
});
