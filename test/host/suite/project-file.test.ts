import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CodeAction,
  CodeActionKind,
  commands,
  type CompletionList,
  type CodeLens,
  type Diagnostic,
  type Hover,
  languages,
  MarkdownString,
  Position,
  Range,
  type TextDocument,
  Uri,
  window,
  workspace,
  WorkspaceEdit,
} from 'vscode';
import { JobRecords } from '../../../src/core/journal/records.ts';
import { commands as ids } from '../../../src/features/ids.ts';

const good = `// a comment
{
  "version": 1,
  "name": "tiny",
  "target": { "volume": { "name": "tiny" }, "gpus": ["NVIDIA L4"], "image": "x" },
  "sync": { "must": ["train.py"] },
  "steps": [
    { "name": "train", "script": "train.py", "gates": [{ "type": "file", "path": "out.txt" }] }
  ]
}
`;

/** Waits for diagnostics of the document that are as wanted; answers what there was last. */
async function diagnosticsOf(document: TextDocument, wanted: (all: Diagnostic[]) => boolean): Promise<Diagnostic[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = languages.getDiagnostics(document.uri);
    if (wanted(found) || Date.now() > deadline) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function replace(document: TextDocument, from: string, to: string): Promise<void> {
  const at = document.getText().indexOf(from);
  assert.ok(at >= 0, `the text has ${from}`);
  const edit = new WorkspaceEdit();
  edit.replace(document.uri, new Range(document.positionAt(at), document.positionAt(at + from.length)), to);
  assert.ok(await workspace.applyEdit(edit));
}

describe('a project file in the editor (R9.5)', () => {
  let folder: string;
  let count = 0;
  let document: TextDocument;

  beforeEach(async () => {
    folder = join(workspace.workspaceFolders![0]!.uri.fsPath, `project-${++count}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'train.py'), 'print(1)\n');
    await writeFile(join(folder, 'tiny.runpod.json'), good);
    document = await workspace.openTextDocument(Uri.file(join(folder, 'tiny.runpod.json')));
    await window.showTextDocument(document);
  });
  afterEach(async () => {
    await commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await rm(folder, { recursive: true, force: true });
  });

  it('may have comments, and a good one has no diagnostics', async () => {
    assert.equal(document.languageId, 'jsonc');
    await replace(document, '"steps"', '"stepz"');
    assert.ok((await diagnosticsOf(document, (all) => all.length > 0)).length > 0, 'checking works');
    await replace(document, '"stepz"', '"steps"');
    assert.deepEqual(await diagnosticsOf(document, (all) => all.length === 0), []);
  });

  it('marks an unknown field once, where it stands, with a suggestion', async () => {
    await replace(document, '"script"', '"scrip"');
    const all = await diagnosticsOf(document, (found) => found.some((d) => d.message.includes('scrip')));
    const unknown = all.filter((d) => d.message.includes('"scrip"'));
    assert.equal(unknown.length, 1, all.map((d) => d.message).join('\n'));
    assert.match(unknown[0]!.message, /Did you mean "script"\?/);
    assert.equal(unknown[0]!.range.start.line, 7);
    assert.ok(
      all.every((d) => d.source === 'RunPod'),
      'nobody else reports the same',
    );
  });

  it('marks a script that is missing, and not any more once it is there', async () => {
    await replace(document, '"train.py", "gates"', '"gone.py", "gates"');
    const [missing] = await diagnosticsOf(document, (found) => found.some((d) => d.message.includes('gone.py')));
    assert.match(missing!.message, /does not exist/);
    assert.equal(document.getText(missing!.range), '"gone.py"');
    await writeFile(join(folder, 'gone.py'), '');
    assert.deepEqual(await diagnosticsOf(document, (found) => found.length === 0), []);
  });

  /** Applies the quick fix with this title where the text stands. */
  async function applyFix(at: string, title: string): Promise<void> {
    const start = document.positionAt(document.getText().indexOf(at));
    const actions = await commands.executeCommand<CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      new Range(start, start.translate(0, at.length)),
      CodeActionKind.QuickFix.value,
    );
    const action = actions.find((a) => a.title === title);
    assert.ok(action?.edit !== undefined, `${title} among ${actions.map((a) => a.title).join(', ')}`);
    assert.ok(await workspace.applyEdit(action.edit));
  }

  it('renames an unknown field by a quick fix', async () => {
    await replace(document, '"script"', '"scrip"');
    await diagnosticsOf(document, (found) => found.some((d) => d.message.includes('scrip')));
    await applyFix('"scrip"', 'Rename to "script"');
    assert.match(document.getText(), /"name": "train", "script": "train.py"/);
    assert.deepEqual(await diagnosticsOf(document, (found) => found.length === 0), []);
  });

  it('creates a missing script or takes its step away by a quick fix', async () => {
    await replace(document, '"train.py", "gates"', '"sub/gone.py", "gates"');
    await diagnosticsOf(document, (found) => found.some((d) => d.message.includes('gone.py')));
    await applyFix('"sub/gone.py"', 'Create sub/gone.py');
    assert.equal(await readFile(join(folder, 'sub/gone.py'), 'utf8'), '');
    assert.deepEqual(await diagnosticsOf(document, (found) => found.length === 0), []);
    await rm(join(folder, 'sub'), { recursive: true });
    await diagnosticsOf(document, (found) => found.length > 0);
    await applyFix('"sub/gone.py"', 'Remove this step');
    assert.match(document.getText(), /"steps": \[\s*\]/);
  });

  it('marks a notebook that cannot be read', async () => {
    await writeFile(join(folder, 'broken.ipynb'), '{');
    await replace(document, '"script": "train.py"', '"notebook": "broken.ipynb"');
    const [broken] = await diagnosticsOf(document, (found) => found.some((d) => d.message.includes('broken.ipynb')));
    assert.match(broken!.message, /cannot run: line 1/);
  });

  async function proposedAt(before: string): Promise<string[]> {
    const text = document.getText();
    const at = document.positionAt(text.indexOf(before) + before.length);
    const found = await commands.executeCommand<CompletionList>(
      'vscode.executeCompletionItemProvider',
      document.uri,
      at,
    );
    return found.items.map((item) => (typeof item.label === 'string' ? item.label : item.label.label));
  }

  it('completes fields, each once, and values: GPUs, files, kinds of gates', async () => {
    const fields = await proposedAt('"name": "tiny",\n  ');
    for (const field of ['caps', 'env', 'onFinish', 'profiles']) {
      assert.equal(fields.filter((label) => label === field).length, 1, `${field} among ${fields.join(', ')}`);
    }
    await replace(document, '["NVIDIA L4"]', '["NVIDIA L4", ""]');
    const gpus = await proposedAt('["NVIDIA L4", "');
    assert.ok(gpus.includes('NVIDIA GeForce RTX 4090') && !gpus.includes('NVIDIA L4'), gpus.join(', '));
    assert.deepEqual(await proposedAt('"script": "'), ['train.py']);
    await replace(document, '[{ "type": "file", "path": "out.txt" }]', '[]');
    const gates = await proposedAt('"gates": [');
    assert.ok(gates.includes('gate: metric') && gates.length === 7, gates.join(', '));
  });

  it('says all that is wrong at once and each once, whoever looks at JSON', async () => {
    await replace(document, '"type": "file", "path"', '"type": "metrics", "path"');
    await replace(document, '"version": 1', '"version": "1"');
    await replace(document, '"train.py"] }', '"trian.py"] }, "onFinish": { "pod": "terminat" }');
    const all = await diagnosticsOf(document, (found) => found.length >= 4);
    assert.deepEqual(
      all.map((d) => d.source),
      ['RunPod', 'RunPod', 'RunPod', 'RunPod'],
      all.map((d) => d.message).join('\n'),
    );
    assert.match(all.map((d) => d.message).join('\n'), /Did you mean train\.py\?[^]*Did you mean "terminate"\?/);
    await applyFix('"trian.py"', 'Use train.py');
    assert.match(document.getText(), /"must": \["train\.py"\]/);
  });

  it('marks text that is no JSON once', async () => {
    await replace(document, '"version": 1,', '"version": 1');
    const all = await diagnosticsOf(document, (found) => found.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual(
      languages.getDiagnostics(document.uri).map((d) => d.range.start.line),
      [all[0]!.range.start.line],
    );
  });

  it('leads from the row of a step or a gate to its place and its files', async () => {
    const records = new JobRecords(process.env['RUNPOD_TRAINER_HOME'] ?? '');
    const job = `tiny-20260101-00000${count}-abcd`;
    await records.create({
      ...{
        schema: 1,
        job,
        project: 'tiny',
        file: document.fileName,
        root: folder,
        restUrl: 'https://api.runpod.io/v2',
      },
      ...{ onFinish: 'terminate', fetch: [], into: 'runpod-results', phase: 'done', outcome: 'failed' },
      ...{ created: new Date().toISOString(), updated: '' },
    });
    await writeFile(join(folder, 'out.txt'), 'x');
    await commands.executeCommand(ids.openInProjectFile, { id: job, step: 'train', gate: 0 });
    const { selection } = window.activeTextEditor!;
    assert.equal(document.getText(selection), '{ "type": "file", "path": "out.txt" }');
    await commands.executeCommand(ids.revealStepFiles, { id: job, step: 'train', gate: 0 });
    await commands.executeCommand(ids.removeJob, { id: job });
    assert.equal((await records.get(job))?.hidden, true);
    await window.showTextDocument(document);
  });

  it('explains a field on hover', async () => {
    const at = document.positionAt(document.getText().indexOf('"image"') + 2);
    const hovers = await commands.executeCommand<Hover[]>('vscode.executeHoverProvider', document.uri, at);
    const text = hovers.flatMap((h) => h.contents.map((c) => (c instanceof MarkdownString ? c.value : ''))).join();
    assert.match(text, /Container image/);
  });

  it('offers to run, to check and to run from a step', async () => {
    const lenses = await commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 10);
    assert.deepEqual(
      lenses.map((lens) => [lens.range.start.line, lens.command?.command, lens.command?.arguments?.[1] as unknown]),
      [
        [0, ids.run, undefined],
        [0, ids.check, undefined],
        [0, ids.planSync, undefined],
        [7, ids.runFrom, 'train'],
      ],
    );
  });

  it('goes to the first problem on "Check Project"', async () => {
    await replace(document, '"train.py", "gates"', '"gone.py", "gates"');
    await commands.executeCommand(ids.check, document.uri);
    assert.ok(window.activeTextEditor!.selection.active.isAfter(new Position(6, 0)));
  });
});
