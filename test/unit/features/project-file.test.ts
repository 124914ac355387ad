import assert from 'node:assert/strict';
import type { StepView } from '../../../src/core/journal/view.ts';
import { parseProject } from '../../../src/core/project/parse.ts';
import { draftProject, projectName } from '../../../src/features/projectfile/draft.ts';
import { lensPlaces } from '../../../src/features/projectfile/lenses.ts';

describe('a drafted project file (R9.5)', () => {
  const mainPart = "if __name__ == '__main__':\n    run()\n";
  const sources = new Map([
    ['prep.py', `df.to_parquet('data/prepared.parquet')\n${mainPart}`],
    ['util.py', 'def run(): pass\n'],
    ['src/whalenet/train.py', `torch.save(model.state_dict(), "output/model.pt")\n${mainPart}`],
    ['src/whalenet/model.py', 'class Net: pass\n'],
    ['eval.py', `with open('output/report.json', 'w') as file:\n    open('data/prepared.parquet')\n${mainPart}`],
    ['tests/test_prep.py', mainPart],
    [
      'nb/01_explore.ipynb',
      JSON.stringify({ cells: [{ cell_type: 'code', source: ["fig.savefig('output/a.png')"] }] }),
    ],
  ]);
  const files = [
    ...['nb/phase_10.ipynb', 'nb/phase_2.ipynb', 'requirements.txt', 'data/songs.parquet', 'data/prepared.parquet'],
    ...['src/whalenet/__init__.py', 'config.yaml'],
    ...sources.keys(),
  ];
  const draft = (more: object = {}): ReturnType<typeof parseProject>['project'] => {
    const { project, problems } = parseProject(draftProject({ name: 'My Songs!', files, sources, ...more }));
    assert.deepEqual(problems, []);
    return project;
  };

  it('runs what can be run in the order of the work: preparing, exploring by number, training, judging', () => {
    const project = draft();
    assert.equal(project?.name, 'my-songs');
    assert.deepEqual(
      project.steps.map((s) => s.notebook ?? s.script ?? s.module),
      ['prep.py', 'nb/01_explore.ipynb', 'nb/phase_2.ipynb', 'nb/phase_10.ipynb', 'whalenet.train', 'eval.py'],
    );
  });

  it('runs scripts without a main guard where their names say what they are for, and nothing that others import', () => {
    const plain = new Map([
      [
        'scripts/prepare.py',
        'import pyarrow.parquet as pq\nimport helpers_data\ntable = load()\npq.write_table(table.slice(0, 8), "data/train.parquet")\n',
      ],
      ['scripts/helpers_data.py', 'import random\nrandom.seed(1)\n'],
      ['scripts/score.py', 'from scripts.plot import draw\nfor song in songs:\n    draw(song)\n'],
      ['scripts/plot.py', 'style()\ndef draw(song):\n    pass\n'],
      ['scripts/dataset.py', 'class Songs:\n    pass\n'],
      ['scripts/train.py', 'print("training")\n'],
      ['src/whalenet/__init__.py', ''],
      ['src/whalenet/evaluate.py', 'register("evaluate")\n'],
    ]);
    const project = draft({ files: [...plain.keys()], sources: plain });
    assert.deepEqual(
      project?.steps.map((s) => s.script ?? s.module),
      ['scripts/prepare.py', 'scripts/train.py', 'scripts/score.py'],
    );
    assert.deepEqual(project.steps[0]?.outputs, ['data/train.parquet']);
  });

  it('is read without scrolling: its comments are short lines', () => {
    const text = draftProject({ name: 'x', files, sources });
    assert.deepEqual(
      text.split('\n').filter((line) => line.includes('// ') && line.length > 100),
      [],
    );
  });

  it('runs a package of a src layout as a module, with PYTHONPATH where it lies', () => {
    const project = draft();
    assert.deepEqual(project?.env, { PYTHONPATH: 'src' });
    assert.equal(project.steps.find((s) => s.name === 'train')?.module, 'whalenet.train');
  });

  it('has a gate for each file that the code writes, caps on time and money, and uploads what it needs', () => {
    const project = draft();
    assert.deepEqual(
      project?.steps.map((s) => s.gates.map((g) => (g.type === 'file' ? g.path : g.type))),
      [['data/prepared.parquet'], ['output/a.png'], [], [], ['output/model.pt'], ['output/report.json']],
    );
    assert.deepEqual([project.caps.hours, project.caps.dollars], [4, 5]);
    assert.deepEqual(project.sync.must, [
      ...['config.yaml', 'eval.py', 'nb/', 'prep.py', 'requirements.txt', 'src/', 'tests/', 'util.py'],
    ]);
    assert.deepEqual(project.sync.data, ['data/songs.parquet'], 'what a step makes is not uploaded');
    assert.deepEqual([project.target.requirements, project.target.minCuda], ['requirements.txt', '12.8']);
  });

  it('is in the region that was chosen, with what is free there', () => {
    const project = draft({ region: { dataCenter: 'EU-RO-1', gpus: ['NVIDIA L4'] } });
    assert.equal(project?.target.volume.dataCenter, 'EU-RO-1');
    assert.deepEqual(project.target.gpus, ['NVIDIA L4']);
  });

  it('is valid for an empty folder and for names that clash', () => {
    const { project: empty, problems } = parseProject(draftProject({ name: '', files: [] }));
    assert.deepEqual(problems, []);
    assert.equal(empty?.steps[0]?.gates.length, 1);
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
      ['$(play) Run', '$(check) Check', '$(checklist) Plan Sync', '$(play) Run from here', '$(play) Run from here'],
    );
    assert.ok(text.slice(places[3]?.offset).startsWith('{ "name": "a"'));
    assert.equal(places[4]?.step, 'b');
  });

  it('say what a run would cost, and how each step ended when it last did', () => {
    const text = draftProject({ name: 'x', files: ['a.ipynb', 'b.ipynb'] });
    const step = (name: string, status: StepView['status']): StepView => ({
      ...{ name, status, where: 'pod', why: [], gates: [], metrics: {}, seconds: 14 },
    });
    const jobs = [
      { job: 'old', created: '2026-01-01T09:00:00.000Z', view: { steps: [step('a', 'failed'), step('b', 'failed')] } },
      { job: 'new', created: '2026-01-02T09:00:00.000Z', view: { steps: [step('a', 'passed'), step('b', 'waiting')] } },
    ];
    const places = lensPlaces(text, jobs, { title: '≈ $3.10', tooltip: 'A whole run' });
    const told = places.map(({ title, job }) => [title.replace(/, .*$/, ''), job]);
    assert.deepEqual(told, [
      ...[
        ['$(play) Run', undefined],
        ['≈ $3.10', undefined],
        ['$(check) Check', undefined],
      ],
      ['$(checklist) Plan Sync', undefined],
      ...[
        ['$(play) Run from here', undefined],
        ['$(pass) passed in 14 s', 'new'],
      ],
      ...[
        ['$(play) Run from here', undefined],
        ['$(error) failed in 14 s', 'old'],
      ],
    ]);
  });

  it('only offer a check of a broken file', () => {
    assert.deepEqual(
      lensPlaces('{').map((p) => p.title),
      ['$(check) Check'],
    );
  });
});
