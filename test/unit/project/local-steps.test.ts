import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import type { RunPlan } from '../../../src/core/jobs/plan.ts';
import { commandText, trustDigest } from '../../../src/core/project/local-steps.ts';
import type { Project, Step } from '../../../src/core/project/schema.ts';
import { confirmLocalSteps as inTerminal } from '../../../src/cli/ask.ts';
import { confirmLocalSteps as inEditor } from '../../../src/features/jobs/run-job.ts';
import { localText } from '../../../src/features/launch/sheet-text.ts';

const step = (more: Partial<Step>): Step => ({ name: 'prep', where: 'local', ...more }) as Step;
const local = [step({ module: 'songs.prep', args: ['--fast'] })];

function plan(env: Record<string, string>, localSteps = local): RunPlan {
  return { loaded: { root: '/p', project: { env } }, localSteps } as unknown as RunPlan;
}

describe('steps of this machine', () => {
  it('are shown as they are started', () => {
    assert.equal(commandText(step({ module: 'a.b', args: ['--n', '1'] })), 'python -m a.b --n 1');
    assert.equal(commandText(step({ script: 'a.py' })), 'a.py');
    assert.equal(commandText(step({ shell: 'make all' })), 'make all');
  });

  it('are agreed to with everything that they are given', () => {
    const first = trustDigest('/p', local, { env: { A: '1' } });
    assert.equal(trustDigest('/p', [...local], { env: { A: '1' } }), first);
    assert.notEqual(trustDigest('/q', local, { env: { A: '1' } }), first);
    assert.notEqual(trustDigest('/p', local, { env: { A: '2' } }), first);
    assert.notEqual(trustDigest('/p', [step({ module: 'songs.prep' })], { env: { A: '1' } }), first);
  });

  it('are asked about again on the command line when a variable of the project changed', async () => {
    const home = await mkdtemp(join(tmpdir(), 'runpod-trainer-trust-'));
    try {
      await inTerminal(home, plan({ PYTHONSTARTUP: 'a.py' }), true);
      await inTerminal(home, plan({ PYTHONSTARTUP: 'a.py' }), false);
      await assert.rejects(inTerminal(home, plan({ PYTHONSTARTUP: 'b.py' }), false), { code: 'needs-yes' });
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  it('are asked about again in the editor too', async () => {
    const stored = new Map<string, unknown>();
    const memory = {
      get: (key: string) => stored.get(key),
      update: (key: string, value: unknown) => stored.set(key, value),
    };
    let asked = 0;
    const vs = {
      window: {
        showWarningMessage: (...words: unknown[]) => {
          asked += 1;
          return Promise.resolve(words.at(-1));
        },
      },
    } as unknown as typeof vscode;
    for (const value of ['a.py', 'a.py', 'b.py']) {
      assert.equal(await inEditor(vs, memory as never, plan({ PYTHONSTARTUP: value })), true);
    }
    assert.equal(asked, 2);
  });

  it('are not asked about when they stood on the page from which the run was started, and only then (R9.2)', async () => {
    const memory = { get: () => undefined, update: () => Promise.resolve() };
    let asked = 0;
    const vs = {
      window: { showWarningMessage: () => Promise.resolve(void (asked += 1)) },
    } as unknown as typeof vscode;
    const shown = trustDigest('/p', local, { env: {} });
    assert.equal(await inEditor(vs, memory as never, plan({}), shown), true);
    assert.equal(asked, 0);
    assert.equal(await inEditor(vs, memory as never, plan({ PYTHONSTARTUP: 'a.py' }), shown), false);
    assert.equal(await inEditor(vs, memory as never, plan({}, [step({ shell: 'rm -r x' })]), shown), false);
    assert.equal(asked, 2);
  });

  it('count as shown only in full', () => {
    const project = (text: string, count = 1): Project =>
      ({ steps: Array.from({ length: count }, (_, n) => step({ name: `s${n}`, shell: text })) }) as Project;
    assert.deepEqual(localText(project('make all')), [{ name: 's0', text: 'make all' }]);
    assert.equal(localText(project('x'.repeat(5000))), undefined, 'cut off');
    assert.equal(localText(project('echo \u001b[8m; rm -r x')), undefined, 'something is hidden');
    assert.equal(localText(project('make', 60)), undefined, 'too many');
  });
});
