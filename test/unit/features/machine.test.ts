import assert from 'node:assert/strict';
import path from 'node:path';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import { Account } from '../../../src/features/account/account.ts';
import { Credentials } from '../../../src/features/account/credentials.ts';
import { MachineMemory } from '../../../src/features/account/machine-memory.ts';
import { jobsToReattach } from '../../../src/features/jobs/reattach.ts';
import { FakeMemory, FakeSecrets } from '../../support/memory.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('what an editor remembers of one machine', () => {
  const folder = useTempFolder();
  const on = (host: string, memory: FakeMemory): Account =>
    new Account({
      credentials: new Credentials(new FakeSecrets()),
      memory,
      ownMemory: new MachineMemory(memory, path.join(folder.path, host)),
      restUrl: () => 'https://api.runpod.io/v2',
      folder: () => 'file:///p/songs',
      trusted: () => true,
    });

  it('does not count on another host, where the same path is another folder', async () => {
    const memory = new FakeMemory();
    await on('a', memory).useSandbox(true);
    assert.deepEqual([on('a', memory).usesSandbox, on('b', memory).usesSandbox], [true, false]);
    await on('a', memory).useSandbox(false);
    assert.equal(on('a', memory).usesSandbox, false);
  });

  it('has the folders of the sandbox that were noted for all hosts once, until it has its own list', async () => {
    const memory = new FakeMemory();
    await memory.update('sandboxFolders', ['file:///p/songs', 'file:///p/other']);
    assert.deepEqual([on('a', memory).usesSandbox, on('b', memory).usesSandbox], [true, true]);
    await on('a', memory).useSandbox(false);
    assert.deepEqual([on('a', memory).usesSandbox, on('b', memory).usesSandbox], [false, true]);
    const own = new MachineMemory(memory, path.join(folder.path, 'a'));
    assert.deepEqual(own.get('sandboxFolders'), ['file:///p/other']);
    assert.equal(own.get('trustedLocalSteps'), undefined);
  });
});

describe('a window goes on by itself', () => {
  const record = (job: string, root: string, more: Partial<JobRecord> = {}): JobRecord => ({
    schema: 1,
    job,
    project: 'p',
    file: `${root}/x.runpod.json`,
    root,
    restUrl: 'https://api.runpod.io/v2',
    remote: { mount: '/w', projectDir: '/w/p', jobDir: '/w/j', worker: 'w', python: 'p' },
    onFinish: 'terminate',
    fetch: [],
    into: 'out',
    phase: 'run',
    created: '',
    updated: '',
    ...more,
  });

  it('with the jobs of its folders, and not with those of a folder whose name begins alike', () => {
    const records = [
      record('own', '/p/proj'),
      record('below', '/p/proj/sub'),
      record('other', '/p/proj2'),
      record('second', '/q'),
      record('over', '/p/proj', { phase: 'done' }),
      record('not-started', '/p/proj', { remote: undefined }),
      record('sandbox', '/p/proj', { restUrl: 'http://127.0.0.1:1/v2' }),
    ];
    const jobs = jobsToReattach(records, 'https://api.runpod.io/v2', ['/p/proj', '/q']).map((r) => r.job);
    assert.deepEqual(jobs, ['own', 'below', 'second']);
  });
});
