import assert from 'node:assert/strict';
import { parseProject } from '../../../src/core/project/parse.ts';
import { draftProject, projectName } from '../../../src/features/projectfile/draft.ts';
import { editorSchema } from '../../../src/features/projectfile/editor-schema.ts';
import { lensPlaces } from '../../../src/features/projectfile/lenses.ts';

describe('a drafted project file (R9.5)', () => {
  const files = [
    'training/phase_10.ipynb',
    'training/phase_2.ipynb',
    'app/a.py',
    'requirements.txt',
    'data/songs.parquet',
    'train.py',
  ];

  it('is a valid project with notebooks in the order a person counts', () => {
    const { project, problems } = parseProject(draftProject({ name: 'My Songs!', files }));
    assert.deepEqual(problems, []);
    assert.equal(project?.name, 'my-songs');
    assert.deepEqual(
      project.steps.map((s) => s.notebook ?? s.script),
      ['train.py', 'training/phase_2.ipynb', 'training/phase_10.ipynb'],
    );
    assert.deepEqual(project.sync.must, ['app/', 'requirements.txt', 'train.py', 'training/']);
    assert.deepEqual(project.sync.data, ['data/songs.parquet']);
    assert.equal(project.target.requirements, 'requirements.txt');
  });

  it('is valid for an empty folder and for names that clash', () => {
    assert.deepEqual(parseProject(draftProject({ name: '', files: [] })).problems, []);
    const { project } = parseProject(draftProject({ name: 'x', files: ['a/run.ipynb', 'b/run.ipynb', 'c/Run.ipynb'] }));
    assert.deepEqual(
      project?.steps.map((s) => s.name),
      ['run', 'run_2', 'run_3'],
    );
  });

  it('makes a project name of any folder name', () => {
    assert.equal(projectName('Rainbow Songs (2026)'), 'rainbow-songs-2026');
    assert.equal(projectName('__'), 'project');
    assert.match(projectName('x'.repeat(99)), /^x{48}$/);
  });
});

describe('code lenses (R9.5)', () => {
  it('stand at the file and at every step', () => {
    const text = draftProject({ name: 'x', files: ['a.ipynb', 'b.ipynb'] });
    const places = lensPlaces(text);
    assert.deepEqual(
      places.map((p) => p.title),
      ['$(play) Run', '$(check) Check', '⇅ Plan sync', '$(play) Run from here', '$(play) Run from here'],
    );
    assert.ok(text.slice(places[3]?.offset).startsWith('{ "name": "a"'));
    assert.equal(places[4]?.step, 'b');
  });

  it('only offer a check of a broken file', () => {
    assert.deepEqual(
      lensPlaces('{').map((p) => p.title),
      ['$(check) Check'],
    );
  });
});

describe('the editor schema', () => {
  it('drops refusals but keeps fields that are called like them', () => {
    const strict = {
      type: 'object',
      required: ['pattern'],
      additionalProperties: false,
      properties: { pattern: { type: 'string', pattern: '^x$', description: 'a field', default: { required: 1 } } },
    };
    assert.deepEqual(editorSchema(strict), {
      type: 'object',
      properties: { pattern: { type: 'string', description: 'a field', default: { required: 1 } } },
    });
  });
});
