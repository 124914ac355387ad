import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { missingFiles, whyLeftOut } from '../../../src/core/files/missing.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('files that must be uploaded and are not (R2.2)', () => {
  const folder = useTempFolder();
  const lists = { data: [], optional: [], never: [] };

  it('are not called missing without the rule or the link that leaves them out', async () => {
    const outside = path.join(folder.path, 'elsewhere');
    const root = path.join(folder.path, 'project');
    mkdirSync(outside);
    mkdirSync(root);
    symlinkSync(outside, path.join(root, 'data'));
    writeFileSync(path.join(root, 'R.md'), 'x');
    writeFileSync(path.join(root, '.runpodignore'), '*.md\r\n');
    const found = await scan(root, { ...lists, must: ['data/', 'R.md', 'no.txt'] });
    const { what, why, next } = missingFiles(found.missing, found);
    assert.match(what, /data\/, R\.md, no\.txt/);
    assert.match(why ?? '', /data is a link out of the project/);
    assert.match(why ?? '', /R\.md is there, but the rule "\*\.md" in line 1 of \.runpodignore leaves it out/);
    assert.match(next ?? '', /Change what leaves them out/);
    assert.equal(whyLeftOut('no.txt', found), undefined);
    assert.equal(whyLeftOut('data2/', found), undefined);
  });

  it('are told by the note of their own path, whatever words a path has in it', () => {
    const notes = [
      { code: 'link-to-nothing', path: 'data is a link' },
      { code: 'link-outside', path: 'raw' },
      { code: 'names-alike', path: 'b.txt', other: 'B.txt' },
      { code: 'not-unicode', path: 'f\uFFFD' },
    ] as const;
    assert.match(whyLeftOut('data is a link', { ignored: [], notes }) ?? '', /^data is a link is a link to nothing/);
    assert.equal(whyLeftOut('data', { ignored: [], notes }), undefined);
    assert.match(whyLeftOut('raw/a/*.bin', { ignored: [], notes }) ?? '', /^raw is a link out of the project/);
    assert.match(whyLeftOut('f\uFFFD', { ignored: [], notes }) ?? '', /not valid Unicode/);
    assert.equal(whyLeftOut('b.txt', { ignored: [], notes }), undefined);
  });

  it('that are nowhere are told as before', () => {
    const { why } = missingFiles([{ list: 'must', pattern: 'no.txt' }], { ignored: [], notes: [] });
    assert.match(why ?? '', /has to match at least one file/);
  });
});
