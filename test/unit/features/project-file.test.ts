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
