import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProblems } from '../../../src/core/project/check.ts';
import { loadProject } from '../../../src/core/project/load.ts';
import { nearbyFile } from '../../../src/core/project/nearby.ts';
import { placeWords } from '../../../src/core/project/place-words.ts';
import { fixesOf } from '../../../src/features/projectfile/fixes.ts';
import { useTempFolder } from '../../support/temp.ts';

function folderWith(root: string, ...files: string[]): string {
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  return root;
}

const wrong = `{
  "version": 1,
  "name": "whales",
  "target": {
    "volume": { "name": "v", "size": "20" },
    "gpus": ["NVIDIA L4"],
    "image": "i",
    "requirements": "requirement.txt"
  },
  "sync": { "must": ["src/", "tarin.py"], "data": ["data/songs.parqet"] },
  "steps": [
    { "name": "train", "script": "src/whalenet/trian.py", "gates": [{ "type": "metrics", "name": "loss", "max": 1 }] },
    { "name": "train", "notebok": "a.ipynb", "timeoutMinutes": 0 },
    { "name": "Eval", "script": "eval.py", "gates": [{ "type": "rows", "path": "a.parquet", "min": 3, "max": 2 }] }
  ],
  "onFinish": { "pod": "terminat" },
  "caps": { "hours": -1 }
}`;

describe('all that is wrong in a project file (R9.5, R4.1)', () => {
  const temp = useTempFolder();
  const root = (): string =>
    folderWith(
      temp.path,
      'src/whalenet/train.py',
      'src/whalenet/model.py',
      'train.py',
      'requirements.txt',
      'data/songs.parquet',
    );

  it('is told at once, each once, in the words of a person', async () => {
    const told = (await findProblems(wrong, root())).map((p) => p.message);
    assert.deepEqual(told, [
      '"target.volume.size" must be a whole number, not a text.',
      'The requirements file requirement.txt does not exist in the project folder. Did you mean requirements.txt?',
      'Nothing matches "tarin.py" of "sync.must". Did you mean train.py?',
      'Nothing matches "data/songs.parqet" of "sync.data". Did you mean data/songs.parquet?',
      'The script src/whalenet/trian.py of step 1 does not exist in the project folder. Did you mean src/whalenet/train.py?',
      'This gate has the unknown type "metrics"; a gate is one of: file, rows, distinct, populated, metric, checkpoint, script. Did you mean "metric"?',
      '"train" is the name of two steps: steps 1 and 2.',
      'Unknown field "notebok" in step 2. Did you mean "notebook"?',
      '"timeoutMinutes" of step 2 must be above 0.',
      '"name" of step "Eval" must be lower-case letters, digits, "-" and "_", at most 48, starting with a letter or digit.',
      'The script eval.py of step "Eval" does not exist in the project folder.',
      '"min" of gate 1 of step "Eval" is above "max", so the gate can never hold.',
      '"onFinish.pod" must be "terminate", "stop" or "keep", not "terminat". Did you mean "terminate"?',
      '"caps.hours" must be above 0.',
    ]);
    for (const text of told) {
      assert.doesNotMatch(text, /Invalid|expected|received|Too small|\.\d+\b/);
    }
  });

  it('is refused by a command in the same words', async () => {
    const folder = root();
    const file = join(folder, 'x.runpod.json');
    writeFileSync(file, wrong);
    const problems = await findProblems(wrong, folder);
    await assert.rejects(loadProject(file), (error: Error) => {
      for (const { message } of problems) {
        assert.ok(error.message.includes(message), message);
      }
      return true;
    });
  });

  it('offers what was probably meant before anything is created', async () => {
    const problems = await findProblems(wrong, root());
    const titles = (part: string): string[] =>
      fixesOf(
        wrong,
        problems.find((p) => p.message.includes(part))!,
      ).map((f) => f.title);
    assert.deepEqual(titles('trian.py'), [
      'Use src/whalenet/train.py',
      'Create src/whalenet/trian.py',
      'Remove this step',
    ]);
    assert.deepEqual(titles('requirement.txt'), [
      'Use requirements.txt',
      'Create requirement.txt',
      'Remove this field',
    ]);
    assert.deepEqual(titles('tarin.py'), ['Use train.py', 'Remove this entry']);
    assert.deepEqual(titles('eval.py'), ['Create eval.py', 'Remove this step']);
    assert.deepEqual(titles('unknown type'), ['Use "metric"']);
    assert.deepEqual(titles('terminat"'), ['Use "terminate"']);
    assert.deepEqual(titles('two steps'), ['Use "train_2"']);
  });

  it('a field that is misspelt is not missed as well', async () => {
    const text = wrong.replace('"steps"', '"stepz"').replace('"image"', '"imgae"');
    const told = (await findProblems(text, root())).map((p) => p.message);
    assert.deepEqual(
      told.filter((m) => /steps|image/.test(m)),
      ['Unknown field "imgae" in "target". Did you mean "image"?', 'Unknown field "stepz". Did you mean "steps"?'],
    );
  });

  it('knows files that a step of this machine will make, patterns and folders', async () => {
    const text = JSON.stringify({
      version: 1,
      name: 'x',
      target: { volume: { name: 'v' }, gpus: ['g'], image: 'i' },
      sync: { must: ['src/', 'src', '.', '*.cfg', './train.py'], data: ['made/out.parquet', 'made/'] },
      steps: [{ name: 'make', shell: 'x', where: 'local', outputs: ['made/*.parquet'] }],
    });
    assert.deepEqual(await findProblems(text, root()), []);
  });

  it('says where in words that count from one', () => {
    const project = { steps: [{ name: 'a' }, { name: 'b' }, { name: 'b' }] };
    assert.equal(placeWords([], project), 'the project file');
    assert.equal(placeWords(['steps', 0], project), 'step "a"');
    assert.equal(placeWords(['steps', 1, 'args', 2], project), 'entry 3 of "args" of step 2');
    assert.equal(
      placeWords(['steps', 0, 'gates', 1, 'where', 'column'], project),
      '"where.column" of gate 2 of step "a"',
    );
    assert.equal(placeWords(['target', 'gpus', 0], project), 'entry 1 of "target.gpus"');
    assert.equal(placeWords(['sync', 'archives', 0, 'to'], project), '"to" of entry 1 of "sync.archives"');
    assert.equal(placeWords(['profiles', 'full', 'caps', 'hours'], project), '"caps.hours" of profile "full"');
    assert.equal(placeWords(['steps', 7], undefined), 'step 8');
  });

  it('finds the file that was meant by its name, its folder or one slip', () => {
    const files = ['src/', 'src/net/', 'src/net/train.py', 'src/net/model.py', 'data/a.parquet', 'Prep.py'];
    assert.equal(nearbyFile('src/net/trian.py', files), 'src/net/train.py');
    assert.equal(nearbyFile('train.py', files), 'src/net/train.py');
    assert.equal(nearbyFile('prep.py', files), 'Prep.py');
    assert.equal(nearbyFile('scr/', files), 'src/');
    assert.equal(nearbyFile('src/net/train.ipynb', files), undefined);
    assert.equal(nearbyFile('something/else.py', files), undefined);
  });
});
