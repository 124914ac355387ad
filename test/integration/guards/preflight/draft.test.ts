import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { preflight } from '../../../../src/core/guards/preflight/index.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { draftProject, firstFile } from '../../../../src/features/projectfile/draft.ts';
import { Account } from '../../../support/account.ts';
import { useTempFolder } from '../../../support/temp.ts';

const main = "\n\nif __name__ == '__main__':\n    run()\n";
const notebook = JSON.stringify({
  cells: [{ cell_type: 'code', source: ['print(1)'], metadata: {}, outputs: [], execution_count: null, id: 'a1' }],
  metadata: { kernelspec: { name: 'python3', display_name: 'Python 3' } },
  nbformat: 4,
  nbformat_minor: 5,
});

/** Folders as people have them, by their files. */
const folders: Record<string, Record<string, string>> = {
  empty: {},
  'one script': { 'train.py': "def run():\n    open('out.txt', 'w').write('1')\n" + main },
  'a src layout with notebooks': {
    'prep.py': "import json\n\n\ndef run():\n    json.dump({}, open('data/made.json', 'w'))\n" + main,
    '01_explore.ipynb': notebook,
    'src/whales/__init__.py': '',
    'src/whales/model.py': 'SIZE = 3\n',
    'src/whales/train.py':
      "from whales.model import SIZE\n\n\ndef run():\n    open('output/w.txt', 'w').write(str(SIZE))\n" + main,
    'requirements.txt': 'tqdm==4.67.1\n',
    'data/table.csv': 'a,b\n1,2\n',
  },
};

describe('a drafted project file is right as it is (R4.1, R9.5)', function () {
  this.timeout(120_000);
  const temp = useTempFolder();
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());

  for (const [kind, files] of Object.entries(folders)) {
    it(`for ${kind}: its own check finds no error and no warning`, async () => {
      const sources = new Map<string, string>();
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(temp.path, file)), { recursive: true });
        writeFileSync(path.join(temp.path, file), text);
        sources.set(file, text);
      }
      const file = path.join(temp.path, firstFile);
      writeFileSync(file, draftProject({ name: 'My Whales', files: Object.keys(files), sources }));
      const loaded = await loadProject(file);
      const { findings } = await preflight(account.installation, loaded, { secret: () => undefined, s3Keys: true });
      assert.deepEqual(
        findings.filter((f) => f.severity !== 'info').map((f) => `${f.id}: ${f.what}`),
        [],
        readFileSync(file, 'utf8'),
      );
      assert.ok(readdirSync(temp.path).includes(firstFile));
    });
  }
});
