import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { World } from './harness.ts';
import { notebook, TestProject, type ProjectParts } from './projects.ts';

/** One bad input: what is changed, and what the user must read of it. */
interface Refusal {
  title: string;
  /** Changes the good project file. */
  parts?: (parts: ProjectParts) => ProjectParts;
  /** Anything else: files, stock, balance. Returns what undoes it. */
  prepare?: (world: World, project: TestProject) => (() => void) | undefined;
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** What, why and what to do, each somewhere in standard error. */
  says: RegExp[];
  /** Requests for pods that RunPod itself has to refuse; none where the client knows before. */
  asked?: number;
}

const withStep =
  (fields: Record<string, unknown>) =>
  (parts: ProjectParts): ProjectParts => ({ ...parts, steps: [{ name: 'one', ...fields }] });

const withTarget =
  (target: Record<string, unknown>) =>
  (parts: ProjectParts): ProjectParts => ({ ...parts, target });

const volume = (more: Record<string, unknown>) => withTarget({ volume: { name: 'tests', ...more } });

const gpu = 'NVIDIA GeForce RTX 4090';

const refusals: Refusal[] = [
  {
    title: 'an unknown field, with the one that was meant',
    parts: (parts) => ({ ...parts, onFinsh: {} }),
    says: [
      /training\.runpod\.json:\d+:\d+ .*Unknown field "onFinsh"/,
      /Did you mean "onFinish"/,
      /nothing was started/,
    ],
  },
  {
    title: 'a value of the wrong type, with its place',
    parts: (parts) => ({ ...parts, caps: { hours: 'two' } }),
    says: [/:\d+:\d+ .*"caps\.hours" must be a number, not a text\./, /Correct the file/],
  },
  {
    title: 'a gate of an unknown type, with those that there are',
    parts: withStep({ shell: 'true', gates: [{ type: 'colour', path: 'x' }] }),
    says: [/unknown type "colour"/, /one of: file, rows/],
  },
  {
    title: 'a project file that is not JSON',
    prepare: (_, project) => {
      project.write('training.runpod.json', '{ "version": 1, "name": ');
      return undefined;
    },
    says: [/not valid JSON/, /Correct the file/],
  },
  {
    title: 'a project file that is not there',
    args: ['run', 'nowhere.runpod.json', '--yes'],
    says: [/nowhere\.runpod\.json could not be read/, /ENOENT/, /Name a \*\.runpod\.json file/],
  },
  {
    title: 'a missing script',
    parts: withStep({ script: 'steps/gone.py' }),
    says: [/The script steps\/gone\.py of step "one" does not exist/, /nothing was started/],
  },
  {
    title: 'a missing notebook',
    parts: withStep({ notebook: 'gone.ipynb' }),
    says: [/The notebook gone\.ipynb of step "one" does not exist/, /nothing was started/],
  },
  {
    title: "a missing module of the project's own package",
    parts: withStep({ module: 'app.gone' }),
    prepare: (_, project) => {
      project.write('app/__init__.py', '');
      return undefined;
    },
    says: [/The module app\.gone does not exist/, /app\/gone\.py/, /nothing was started/],
  },
  {
    title: 'a notebook that is not JSON',
    parts: withStep({ notebook: 'broken.ipynb' }),
    prepare: (_, project) => {
      project.write('broken.ipynb', notebook(['x = 1']).slice(0, 40));
      return undefined;
    },
    says: [/The notebook broken\.ipynb cannot run/, /line 1, column 34/, /save it again/],
  },
  {
    title: 'a notebook of a format that nobody knows',
    parts: withStep({ notebook: 'odd.ipynb' }),
    prepare: (_, project) => {
      project.write('odd.ipynb', '{"nbformat": 9, "cells": []}');
      return undefined;
    },
    says: [/The notebook odd\.ipynb cannot run/, /format 1 to 4/, /save it again/],
  },
  {
    title: 'a "must" entry without a file (R2.2)',
    parts: (parts) => ({ ...parts, sync: { must: ['code.txt', 'lyrics/'] } }),
    says: [/must upload are missing: lyrics\//, /at least one file/, /remove the entry/],
  },
  {
    title: 'an unknown step after --from',
    args: ['--from', 'two'],
    says: [/no step "two"/, /Its steps are: one/],
  },
  {
    title: 'an unknown profile',
    args: ['--profile', 'night'],
    says: [/no profile "night"/, /run it as it is/],
  },
  {
    title: 'no consent and no terminal to ask on',
    args: ['--no-yes'],
    says: [/needs your consent/, /Start with no cap on its cost\?/, /add --yes/],
  },
  {
    title: 'no API key',
    env: { RUNPOD_API_KEY: '' },
    says: [/no RunPod API key/, /Set RUNPOD_API_KEY/, /--sandbox/],
  },
  {
    title: 'a wrong API key',
    env: { RUNPOD_API_KEY: 'rpa_WRONG' },
    says: [/Could not/, /does not accept the API key/, /API Keys in the RunPod console/],
  },
  {
    title: 'a volume in another region than the project file says',
    parts: volume({ dataCenter: 'EU-RO-1', size: 10 }),
    says: [
      /"tests" is in US-MD-1, but the project file says EU-RO-1/,
      /stays in its data center/,
      /"dataCenter" to "US-MD-1"/,
    ],
  },
  {
    title: 'a volume that does not exist, without the means to create it',
    parts: withTarget({ volume: { name: 'elsewhere' } }),
    says: [/no volume "elsewhere"/, /Add "dataCenter" and "size"/],
  },
  {
    title: 'a data center that has no volumes',
    parts: withTarget({ volume: { name: 'new', dataCenter: 'US-GA-2', size: 10 } }),
    says: [/No volume can be created in US-GA-2/, /Choose one of: .*US-MD-1/],
  },
  {
    title: 'a GPU type that RunPod does not have',
    parts: withTarget({ gpus: ['NVIDIA GeForce RTX 4099', gpu] }),
    says: [/no GPU type "NVIDIA GeForce RTX 4099"/, /ids/, /RTX/],
  },
  {
    title: 'no stock by the catalog',
    parts: withTarget({ gpus: [gpu] }),
    prepare: ({ sandbox }) => {
      sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'NONE');
      return () => sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'MEDIUM');
    },
    says: [/None of RTX 4090 is free in US-MD-1/, /the pod must be there too/, /Add more GPU types/],
  },
  {
    title: 'no stock behind a catalog that shows some, for any candidate (R4.3)',
    parts: withTarget({ gpus: [gpu, 'NVIDIA A40'] }),
    prepare: ({ sandbox }) => {
      sandbox.stock.refuse({});
      return () => sandbox.stock.allow();
    },
    asked: 2,
    says: [/No machine is free in US-MD-1: tried RTX 4090, A40/, /RunPod says/, /Nothing was charged/],
  },
  {
    title: 'no funds',
    prepare: ({ sandbox }) => {
      const before = sandbox.balance();
      sandbox.setBalance(0.01);
      return () => sandbox.setBalance(before);
    },
    says: [/The balance is \$0\.01, but an hour of the pod costs \$0\.07/, /--no-check/],
  },
  {
    title: 'no funds, and no look at them before',
    args: ['--no-check'],
    prepare: ({ sandbox }) => {
      const before = sandbox.balance();
      sandbox.setBalance(0.01);
      return () => sandbox.setBalance(before);
    },
    asked: 1,
    says: [/Could not .*pod/, /balance is too low \(HTTP 402\)/, /Add credit/],
  },
  {
    title: 'a missing secret',
    parts: withStep({ shell: 'true', secrets: ['WANDB_API_KEY'] }),
    says: [/not known here: WANDB_API_KEY/, /on this machine/, /export WANDB_API_KEY=<value>/],
  },
  {
    title: 'no Python for the steps of this machine',
    parts: withStep({ shell: 'true', where: 'local' }),
    env: { RUNPOD_TRAINER_PYTHON: '/nowhere/python3' },
    says: [
      /Python of this machine \(\/nowhere\/python3\) could not be started/,
      /ENOENT/,
      /runpod-trainer run .* --python <path>/,
    ],
  },
  {
    title: 'an option that does not exist',
    args: ['--colour'],
    says: [/unknown option '--colour'/, /--help/],
  },
];

describe('bad input is refused before money is spent (R2.2, R9.5)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
    // The volume is there from the start, so that its region can be wrong.
    const response = await fetch(`${world.sandbox.restUrl}/network-volumes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.sandbox.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'tests', dataCenter: 'US-MD-1', size: 10 }),
    });
    assert.equal(response.status, 201, await response.text());
  });
  after(() => world.close());

  for (const refusal of refusals) {
    it(refusal.title, async () => {
      const project = new TestProject(world.folder, { name: 'refused', steps: [{ name: 'one', shell: 'true' }] });
      if (refusal.parts !== undefined) {
        project.change(refusal.parts);
      }
      const undo = refusal.prepare?.(world, project);
      const asked = world.podsAsked();
      const given = refusal.args ?? [];
      const consent = given.includes('--no-yes') ? [] : ['--yes'];
      const args =
        given[0] === 'run' ? given : ['run', project.file, ...consent, ...given.filter((a) => a !== '--no-yes')];
      try {
        const { code, stdout, stderr } = await world.run(args, refusal.env);
        assert.equal(code, 2, `${stdout}${stderr}`);
        for (const pattern of refusal.says) {
          assert.match(stderr, pattern);
        }
        assert.doesNotMatch(stderr, /Unexpected failure|\bat .*\.js:\d+/);
        assert.equal(world.podsAsked() - asked, refusal.asked ?? 0, 'requests for pods');
        assert.deepEqual(await world.pods(), []);
      } finally {
        undo?.();
        rmSync(path.dirname(project.file), { recursive: true, force: true });
      }
    });
  }

  it('with --json a refusal is an object on standard output', async () => {
    const { code, stdout, stderr } = await world.run(['run', 'nowhere.runpod.json', '--yes', '--json']);
    assert.equal(code, 2);
    assert.equal(stderr, '');
    const { type, code: name, next } = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual([type, name], ['error', 'project-unreadable']);
    assert.match(next ?? '', /Name a \*\.runpod\.json file/);
  });
});
