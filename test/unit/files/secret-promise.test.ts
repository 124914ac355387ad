import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { secretKinds } from '../../../src/core/files/secret-kinds.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { secretFileKinds } from '../../../src/core/files/secret-files.ts';
import { findSecrets } from '../../../src/core/files/secrets.ts';
import { writeTree } from '../../support/files.ts';
import { madeUpKeys } from '../../support/made-up-keys.ts';
import { useTempFolder } from '../../support/temp.ts';

const { token } = madeUpKeys(41);
const page = readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'docs', 'security.md'), 'utf8');

describe('what the page on security says of secrets in files (R9.6)', () => {
  const folder = useTempFolder();

  it('names each kind that is looked for, and no other', () => {
    const [, said = ''] = /The kinds: ([^]*?)\.\n/.exec(page) ?? [];
    const named = said
      .replace(/\s+/g, ' ')
      .split(/, | and /)
      .toSorted();
    assert.deepEqual(named, [...new Set([...secretKinds.map(({ kind }) => kind), ...secretFileKinds])].toSorted());
  });

  it('is not wider than what is done: what it says is not seen is not', async () => {
    const key = `hf_${token(34)}`;
    const login = `login("me", password="${token(12)}")\n`;
    const unseen: Record<string, [words: RegExp, content: string | Buffer]> = {
      'a.parquet': [/table/, Buffer.concat([Buffer.from('PAR1\x15\x04\x15'), Buffer.from(key)])],
      'word.ini': [/a word of manuals/, 'password = changeme\n'],
      'letters.ini': [/letters that could be a word/, 'password = wonderland\n'],
      'tests/login.py': [/a file of tests/, login],
      'login.example.py': [/shows how such a file looks/, login],
      'encoded.txt': [/in base64/, Buffer.from(`the key ${key} of us`).toString('base64')],
      'code.py': [/put together by code/, `key = "${key.slice(0, 9)}" + "${key.slice(9)}"\n`],
      'allowed.txt': [/`sync\.allowSecrets` lists/, key],
      'other.txt': [/A secret of another kind/, `${token(12)}\n`],
    };
    const words = page.replace(/\s+/g, ' ');
    await writeTree(
      folder.path,
      Object.fromEntries(Object.entries(unseen).map(([name, [, content]]) => [name, content])),
    );
    const { files } = await scan(folder.path, { must: ['**'], data: [], optional: [], never: [] });
    const { findings } = await findSecrets(files, { allow: ['allowed.txt'] });
    assert.deepEqual(findings, []);
    for (const [said] of Object.values(unseen)) {
      assert.match(words, said);
    }
    // The same where it does count.
    await writeTree(folder.path, { 'login.py': login, 'seen.txt': key });
    const again = await scan(folder.path, { must: ['**'], data: [], optional: [], never: [] });
    assert.deepEqual(
      (await findSecrets(again.files, { allow: ['allowed.txt'] })).findings.map((finding) => finding.path),
      ['login.py', 'seen.txt'],
    );
  });
});
