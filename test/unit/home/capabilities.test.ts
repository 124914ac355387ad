import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { capNote, PlatformFile, shippedDefaults, type Findings } from '../../../src/core/home/capabilities.ts';
import { rightsOf } from '../../../src/core/guards/verify/pod-questions.ts';
import { useTempFolder } from '../../support/temp.ts';

const time = '2026-11-22T10:00:00.000Z';
const none: Findings = { podKeyRights: { value: 'none', time, evidence: 'start 403' } };

describe('capabilities of a platform', () => {
  const folder = useTempFolder();
  const url = 'https://api.runpod.io/v2';

  it('are the shipped defaults until somebody checked, for each address alone', async () => {
    const file = new PlatformFile(folder.path);
    assert.deepEqual(await file.capabilities(url), shippedDefaults);
    await file.save(url, none);
    assert.equal((await file.capabilities(url)).podKeyRights, 'none');
    assert.equal((await file.capabilities(url)).minDiskGb, 20);
    assert.deepEqual(await file.capabilities('http://127.0.0.1:1/v2'), shippedDefaults);
    assert.equal(statSync(file.file).mode & 0o777, 0o600);
  });

  it('keep an older answer when a later check could not tell', async () => {
    const file = new PlatformFile(folder.path);
    await file.save(url, none);
    await file.save(url, { minDiskGb: { value: 10, time, evidence: 'granted' } });
    const known = await file.capabilities(url);
    assert.equal(known.podKeyRights, 'none');
    assert.equal(known.minDiskGb, 10);
    assert.equal((await file.findings(url)).podKeyRights?.evidence, 'start 403');
  });

  it('are not believed when the file is broken or a value makes no sense', async () => {
    const file = new PlatformFile(folder.path);
    await file.save(url, none);
    const text = readFileSync(file.file, 'utf8');
    writeFileSync(file.file, text.replace('"none"', '"everything"'));
    assert.equal((await file.capabilities(url)).podKeyRights, 'unknown');
    writeFileSync(file.file, text.slice(0, 30));
    assert.deepEqual(await file.capabilities(url), shippedDefaults);
    await file.save(url, none);
    assert.equal((await file.capabilities(url)).podKeyRights, 'none');
  });

  it('are kept for the last addresses only, since every start of the sandbox has another', async () => {
    const file = new PlatformFile(folder.path);
    for (let port = 1; port <= 25; port++) {
      await file.save(`http://127.0.0.1:${port}/v2`, none);
    }
    const { platforms } = JSON.parse(readFileSync(path.join(folder.path, 'platform.json'), 'utf8')) as {
      platforms: { restUrl: string }[];
    };
    assert.equal(platforms.length, 20);
    assert.equal(platforms.at(-1)?.restUrl, 'http://127.0.0.1:25/v2');
  });

  it('tell before a start who holds the cap, only when it is known that a pod cannot', () => {
    assert.match(capNote({ ...shippedDefaults, podKeyRights: 'none' }) ?? '', /only while this computer is on/);
    assert.equal(capNote({ ...shippedDefaults, podKeyRights: 'none' }, 'end_key'), undefined, 'that one may');
    assert.equal(capNote(shippedDefaults), undefined);
    assert.equal(capNote({ ...shippedDefaults, podKeyRights: 'own' }), undefined);
  });
});

describe('rights of a pod key', () => {
  const probe = { where: 'pid 1', session: false, file: true, key: true };
  const of = (start?: number, ended?: number) =>
    rightsOf({ ...probe, get: undefined, patch: undefined, dfGb: undefined, start, delete: ended });

  it('are own when the harmless start is a conflict, none when it is refused, else not known', () => {
    assert.equal(of(409), 'own');
    assert.equal(of(200), 'own');
    assert.equal(of(403), 'none');
    assert.equal(of(401), 'none');
    assert.equal(of(409, 403), 'none');
    assert.equal(of(500), undefined);
    assert.equal(of(undefined), undefined);
    assert.equal(
      rightsOf({
        ...probe,
        key: false,
        get: undefined,
        start: undefined,
        patch: undefined,
        delete: undefined,
        dfGb: undefined,
      }),
      'none',
    );
  });
});
