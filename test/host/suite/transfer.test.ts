import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import type { SyncResult } from '../../../src/core/volumes/sync.ts';
import type { TransferPlan } from '../../../src/core/volumes/plan/index.ts';
import { commands as ids } from '../../../src/features/ids.ts';
import { planNodes } from '../../../src/features/transfer/plan-nodes.ts';

const { commands, Uri, workspace } = vscode;
const sandbox = join(process.env['RUNPOD_TRAINER_HOME'] ?? '', 'sandbox');

const project = `// a comment that stays
{
  "version": 1,
  "name": "moving",
  "target": { "volume": { "name": "moving-data" }, "cpu": {}, "image": "x" },
  "sync": { "must": ["src/"], "never": ["*.tmp"] },
  "steps": [{ "name": "a", "shell": "true" }]
}
`;

describe('a transfer plan in the editor (R2.1, R2.5)', () => {
  let folder: string;
  let file: vscode.Uri;
  let volume: string;

  before(async () => {
    await commands.executeCommand(ids.startSandbox);
    const text = await readFile(join(sandbox, 'connection.json'), 'utf8');
    const { restUrl, key } = JSON.parse(text) as { restUrl: string; key: string };
    const client = new RunPodClient({ restUrl, apiKey: key });
    volume = (await client.volumes.create({ name: 'moving-data', dataCenter: 'US-MD-1', size: 10 })).id;
    folder = join(workspace.workspaceFolders![0]!.uri.fsPath, 'moving');
    await mkdir(join(folder, 'src'), { recursive: true });
    await writeFile(join(folder, 'src', 'a.py'), 'print(1)\n');
    await writeFile(join(folder, 'src', 'b.py'), 'print(2)\n');
    await writeFile(join(folder, 'src', 'scratch.tmp'), 'x');
    await writeFile(
      join(folder, 'src', 'login.py'),
      `x = 1\ntoken = "${['hf', 'QzVtRkWnYbLdGcXsJhMfPuAeTiOo481726'].join('_')}"\n`,
    );
    await writeFile(join(folder, 'moving.runpod.json'), project);
    file = Uri.file(join(folder, 'moving.runpod.json'));
  });
  after(async () => {
    await commands.executeCommand(ids.closePlan);
    await rm(folder, { recursive: true, force: true });
  });

  const there = (path: string): string => join(sandbox, 'volumes', volume, 'projects', 'moving', path);

  async function plan(id: string, ...args: unknown[]): Promise<TransferPlan> {
    const answer = await commands.executeCommand<TransferPlan | undefined>(id, ...args);
    assert.ok(answer !== undefined, `${id} answers a plan`);
    return answer;
  }

  const textOf = ({ label, description }: vscode.TreeItem): string =>
    `${typeof label === 'string' ? label : ''} | ${String(description)}`;

  /** Rows of the tree, two levels, as `label | description`. */
  function rows(from: TransferPlan, replace: string[] = [], deletes = false): string[] {
    const shown = { plan: from, fileUri: (path: string) => Uri.file(path), replace: new Set(replace), deletes };
    return planNodes(vscode, shown).flatMap((group) => [
      textOf(group.item),
      ...((group.children?.() ?? []) as (typeof group)[]).map((row) => `- ${textOf(row.item)}`),
    ]);
  }

  it('says what is sent, which way and why, and what stops it', async () => {
    const made = await plan(ids.planSync, file);
    assert.deepEqual([made.route.kind, made.totals.files, made.comparedWith.kind], ['s3', 3, 'volume']);
    const shown = rows(made);
    assert.deepEqual(shown.slice(0, 2), ['Secrets | stop the sync', '- src/login.py | line 2 · Hugging Face token']);
    assert.ok(shown.includes('- src/a.py | new · 9 B'), shown.join('\n'));
    assert.ok(shown.includes('Deletes | off'), shown.join('\n'));
    assert.ok(shown.includes('- *.tmp | 1 file · sync.never'), shown.join('\n'));
  });

  it('sends nothing while a secret would leave this machine', async () => {
    assert.equal(await commands.executeCommand(ids.syncNow), undefined);
    await assert.rejects(readFile(there('src/a.py')), { code: 'ENOENT' });
  });

  it('lets a file go after "Allow This File", by a line in the project file', async () => {
    await commands.executeCommand(ids.allowSecretFile, { path: 'src/login.py' });
    const text = await readFile(file.fsPath, 'utf8');
    assert.match(text, /^\/\/ a comment that stays/);
    assert.match(text, /"allowSecrets": \[\s*"src\/login.py"\s*\]/);
    assert.deepEqual((await plan(ids.refreshPlan)).secrets, []);
  });

  it('is carried out, and is gone then', async () => {
    const result = await commands.executeCommand<SyncResult>(ids.syncNow);
    assert.deepEqual([result.route, result.sent, result.left], ['s3', 3, []]);
    assert.equal(await readFile(there('src/b.py'), 'utf8'), 'print(2)\n');
    assert.equal(await commands.executeCommand(ids.refreshPlan), undefined, 'there is no plan any more');
    const again = await commands.executeCommand<SyncResult>(ids.syncProjectHere, { id: volume });
    assert.deepEqual([again.sent, again.bytes], [0, 0]);
  });

  it('leaves what changed on both sides as it is, and says so', async () => {
    await writeFile(join(folder, 'src', 'b.py'), 'print("changed here")\n');
    await writeFile(there('src/b.py'), 'print("changed on the volume")\n');
    const made = await plan(ids.planSync, file);
    assert.deepEqual(
      made.conflicts.map((conflict) => conflict.path),
      ['src/b.py'],
    );
    assert.ok(rows(made).includes('- src/b.py | stays: here 22 B, there 31 B'), rows(made).join('\n'));
    assert.ok(rows(made, ['src/b.py']).includes('- src/b.py | replaces 31 B there'));
    const result = await commands.executeCommand<SyncResult>(ids.syncProject, file);
    assert.deepEqual(result.left, ['src/b.py']);
    assert.equal(await readFile(there('src/b.py'), 'utf8'), 'print("changed on the volume")\n');
  });

  it('deletes only when that was turned on', async () => {
    await rm(join(folder, 'src', 'a.py'));
    assert.deepEqual((await plan(ids.planSync, file)).deletes, []);
    const on = await plan(ids.togglePlanDeletes);
    assert.deepEqual(on.deletes, ['src/a.py']);
    assert.ok(rows(on, [], true).includes('Deletes | 1 file on the volume'));
    assert.deepEqual((await plan(ids.togglePlanDeletes)).deletes, []);
  });
});
