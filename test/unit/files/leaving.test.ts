import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildArchives } from '../../../src/core/files/archive.ts';
import { hashFiles } from '../../../src/core/files/hash.ts';
import { mayLeave } from '../../../src/core/files/leaving.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { writeTree } from '../../support/files.ts';
import { seeded } from '../../support/random.ts';
import { useTempFolder } from '../../support/temp.ts';

const random = seeded(11);
const letters = Array.from('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz023456789');
const key = (): string => `hf_${Array.from({ length: 34 }, () => random.pick(letters)).join('')}`;
const sources = path.join(import.meta.dirname, '..', '..', '..', 'src');

describe('the one door for files (R9.6)', () => {
  const folder = useTempFolder();
  const cache = (name: string): string => path.join(folder.path, '.runpod-trainer', name);
  const lists = { must: ['**'], data: [], optional: [], never: ['/.runpod-trainer/'] };

  it('lets files through that hold no secret, and refuses all when one does, without its value', async () => {
    await writeTree(folder.path, { 'a.py': 'print(1)\n', 'b/c.py': 'print(2)\n' });
    const { files } = await scan(folder.path, lists);
    const hashed = await hashFiles(files, cache('hashes.json'));
    assert.deepEqual(await mayLeave(hashed), hashed);
    const secret = key();
    await writeTree(folder.path, { 'b/c.py': `# first\nlogin("${secret}")\n`, '.env': 'A=1' });
    const again = (await scan(folder.path, lists)).files;
    await assert.rejects(mayLeave(again), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'secrets-found');
      assert.match(
        error.message,
        /^Nothing was sent: 2 files hold .*: \.env \(environment file\), b\/c\.py:2 \(Hugging Face/,
      );
      assert.match(error.message, /sync\.never.*sync\.allowSecrets/s);
      assert.ok(!error.message.includes(secret));
      return true;
    });
    assert.equal((await mayLeave(again, { allow: ['b/', '.env'] })).length, 3);
  });

  it('looks into an archive by what it was made of', async () => {
    await writeTree(folder.path, { 'data/one.txt': 'harmless', 'data/two.txt': `token ${key()}` });
    const { archives } = await scan(folder.path, { ...lists, must: [], archives: [{ from: 'data/', to: 'data.tar' }] });
    const [archive] = await buildArchives(archives, cache('archives'));
    assert.ok(archive !== undefined);
    await assert.rejects(mayLeave([archive.file]), { code: 'secrets-found', message: /data\/two\.txt:1/ });
    // As it is the second time, when the archive from last time is taken.
    const [kept] = await buildArchives(archives, cache('archives'));
    assert.ok(kept !== undefined);
    await assert.rejects(mayLeave([kept.file]), { code: 'secrets-found' });
  });

  it('is the only maker of what may be sent, and all that sends takes nothing else', () => {
    const texts = new Map(
      readdirSync(sources, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => [name.split(path.sep).join('/'), readFileSync(path.join(sources, name), 'utf8')]),
    );
    const having = (pattern: RegExp): string[] =>
      [...texts].flatMap(([name, text]) => (pattern.test(text) ? [name] : []));
    assert.deepEqual(having(/\bas (?:unknown as )?(?:readonly )?Leaving\b/), ['core/files/leaving.ts']);
    // Everything that gives bytes of a file to the network, and what it is given. A new one has to be added here.
    assert.deepEqual(having(/\bsftp\.put\(|\.upload\((?!paths)/).sort(), [
      'core/guards/doctor/machine-checks.ts', // random bytes of its own
      'core/pods/install-worker.ts', // the worker of this program
      'core/transport/s3/push.ts',
      'core/volumes/browse/one-file.ts',
      'core/volumes/move/s3.ts', // what it has just read from another volume
    ]);
    const senders = having(/createReadStream|openSync\(.*absolute|open\(.*absolute/);
    assert.deepEqual(senders.filter((name) => /^core\/(?:transport|s3|ssh|volumes|jobs|pods)\//.test(name)).sort(), [
      'core/s3/source.ts',
      'core/transport/ssh/push-ranges.ts',
      'core/transport/ssh/push-stream.ts',
    ]);
    for (const name of ['transport/s3/push.ts', 'transport/ssh/push-options.ts', 'volumes/browse/one-file.ts']) {
      assert.match(texts.get(`core/${name}`) ?? '', /Leaving<(?:HashedFile|UploadSource)>/, name);
    }
  });
});
