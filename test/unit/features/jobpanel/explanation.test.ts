import assert from 'node:assert/strict';
import { explain } from '../../../../src/core/guards/explain/index.ts';
import { explanationView, type Explained } from '../../../../src/features/jobpanel/explanation.ts';
import { toPanelSchema } from '../../../../src/messages/job-panel.ts';
import { failed, project } from '../../guards/explain/evidence.ts';

const gate = (more: object = {}) => ({
  index: 0,
  type: 'metric',
  title: 'metric accuracy',
  status: 'failed' as const,
  expected: 'last >= 0.9',
  seen: '0.61',
  message: 'The last accuracy is 0.61, expected >= 0.9.',
  evidence: {},
  ...more,
});

const explained = (evidence: ReturnType<typeof failed>, more: Partial<Explained> = {}): Explained => ({
  evidence,
  explanation: explain(evidence),
  reason: evidence.state.reason,
  changed: [],
  gate: undefined,
  line: undefined,
  ...more,
});
const atGate = (more: Partial<Explained> = {}): Explained =>
  explained(failed([], { exitCode: 0, step: { gates: [gate()], reason: 'A gate did not hold.' } }), {
    gate: ['steps', 0, 'gates', 0],
    ...more,
  });
const buttons = ({ told }: ReturnType<typeof explanationView>): string[] =>
  told.acts.map(({ title, first }) => `${first ? '* ' : ''}${title}`);
const words = (told: ReturnType<typeof explanationView>['told']): string =>
  [told.what, told.why, told.next, told.note, ...told.seen.map((s) => s.text), ...told.last, ...told.also].join('\n');

describe('the explanation of a failure in the job panel (R4.6)', () => {
  it('says each thing once', () => {
    const { told } = explanationView(atGate());
    for (const once of ['0.61', '0.9', 'does not hold', 'metric accuracy']) {
      assert.equal(words(told).split(once).length - 1, 1, `${once} in: ${words(told)}`);
    }
  });

  it('never makes the first choice what would fail again as it is', () => {
    const same = explanationView(atGate());
    assert.deepEqual(buttons(same), ['* Show Gate in Project File', 'Resume from train…']);
    assert.match(same.told.note ?? '', /Nothing of the project has changed.*end the same way/);
    const changed = explanationView(atGate({ changed: ['training.runpod.json', 'train.py', 'a', 'b'] }));
    assert.deepEqual(buttons(changed), ['Show Gate in Project File', '* Resume from train…']);
    assert.equal(changed.told.note, 'Changed since: training.runpod.json, train.py, a and 1 more.');
  });

  it('offers the line of the code that failed', () => {
    const line = { file: '/p/src/train.py', line: 12 };
    const log = ['Traceback (most recent call last):', "ModuleNotFoundError: No module named 'whales'"];
    const view = explanationView(explained(failed(log), { line }));
    assert.ok(buttons(view).includes('Open train.py, Line 12'), buttons(view).join());
    assert.deepEqual(
      view.acts.find((act) => act.do === 'line'),
      { do: 'line', ...line },
    );
  });

  it('makes the one change that helps the first choice, with its place and both values', () => {
    const oom = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB.';
    const evidence = failed(['\u001b[31mretrying\u001b[0m', oom], {
      project: project({ args: ['--batch-size', '8'] }),
    });
    const view = explanationView(explained(evidence));
    assert.equal(buttons(view)[0], '* Apply and Resume…');
    assert.equal(view.told.change, 'In the project file: steps[0].args[1].');
    assert.match(view.told.next ?? '', /from 8 to 4/);
    const terse = { ...explain(evidence)!, next: 'Make it smaller.' };
    assert.equal(
      explanationView(explained(evidence, { explanation: terse })).told.change,
      'In the project file: steps[0].args[1], from "8" to "4".',
    );
    assert.equal(view.told.acts.filter((act) => act.first).length, 1);
  });

  it('lets what may pass as it is be tried again first', () => {
    const gone = failed([], { exitCode: null, pod: { status: 'gone', costPerHour: null }, state: undefined as never });
    const evidence = { ...gone, state: { ...failed([]).state, status: 'lost' as const, reason: 'Its pod is gone.' } };
    const view = explanationView(explained(evidence));
    assert.equal(explain(evidence)?.kind, 'pod-gone');
    assert.ok(
      buttons(view).some((title) => /^\* Resume/.test(title)),
      buttons(view).join(),
    );
    assert.equal(view.told.note, undefined);
  });

  it('guesses nothing, and shows what there is to see', () => {
    const log = ['epoch 1', 'something odd happened', 'ValueError: no color Green'];
    const view = explanationView(explained(failed(log)));
    assert.match(view.told.what, /No known cause was recognised/);
    assert.deepEqual(view.told.last, log);
    assert.deepEqual(buttons(view), ['Run Again…']);
  });

  it('fits a message whatever the log says', () => {
    const hostile = Array.from({ length: 500 }, () => `\u001b]8;;x\u0007${'y'.repeat(9000)}`);
    const { told } = explanationView(explained(failed(hostile), { reason: 'z'.repeat(50_000) }));
    assert.equal(toPanelSchema.safeParse({ type: 'explanation', busy: false, told }).error, undefined);
    assert.doesNotMatch(JSON.stringify(told), /\\u001b/);
  });
});
