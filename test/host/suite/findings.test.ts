import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  commands,
  type Diagnostic,
  languages,
  Range,
  type TextDocument,
  TabInputWebview,
  Uri,
  window,
  workspace,
  WorkspaceEdit,
} from 'vscode';
import { commands as ids } from '../../../src/features/ids.ts';

const text = `{
  "version": 1,
  "name": "guarded",
  "target": {
    "volume": { "name": "guarded", "dataCenter": "US-MD-1", "size": 10 },
    "gpus": ["NVIDIA GeForce RTX 4090"],
    "image": "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404",
    "minCuda": "12.8"
  },
  "sync": { "must": ["train.py"], "data": ["rows*.csv"] },
  "steps": [{ "name": "train", "script": "train.py", "gates": [{ "type": "file", "path": "out.txt" }] }],
  "caps": { "hours": 1 }
}
`;

/** What preflight marks in the document, once it is as wanted. */
async function marked(document: TextDocument, wanted: (all: Diagnostic[]) => boolean): Promise<Diagnostic[]> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = languages.getDiagnostics(document.uri).filter((d) => d.source === 'RunPod preflight');
    if (wanted(found) || Date.now() > deadline) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function sheets(): unknown[] {
  return window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof TabInputWebview && input.viewType.endsWith('launch-sheet'));
}

async function closeTabs(): Promise<void> {
  const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
  // Closing such a one would wait for an answer that nobody gives.
  assert.deepEqual(
    tabs.filter((tab) => tab.isDirty).map((tab) => tab.label),
    [],
  );
  await window.tabGroups.close(window.tabGroups.all.flatMap((group) => group.tabs));
}

describe('findings in the project file (R4.1)', function () {
  this.timeout(60_000);
  let folder: string;
  let document: TextDocument;

  before(async () => {
    folder = join(workspace.workspaceFolders![0]!.uri.fsPath, 'guarded');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'train.py'), 'print(1)\n');
    await writeFile(join(folder, 'guarded.runpod.json'), text);
    document = await workspace.openTextDocument(Uri.file(join(folder, 'guarded.runpod.json')));
    await window.showTextDocument(document);
  });
  after(async () => {
    await closeTabs();
    await rm(folder, { recursive: true, force: true });
  });

  it('are not looked for at RunPod while nobody is signed in', async () => {
    await commands.executeCommand(ids.check, document.uri);
    assert.deepEqual(await marked(document, () => true), []);
    assert.equal(sheets().length, 0);
  });

  describe('of a project that the sandbox is asked about', () => {
    before(async () => {
      await commands.executeCommand(ids.startSandbox);
    });
    it('stand where their cause is after "Check Project", apart from those of the schema', async () => {
      await commands.executeCommand(ids.check, document.uri);
      const [missing, ...others] = await marked(document, (all) => all.length > 0);
      assert.deepEqual(others, []);
      assert.match(missing!.message, /rows\*\.csv/);
      assert.equal(missing!.code, 'upload-missing');
      assert.equal(missing!.range.start.line, 9);
      assert.equal(sheets().length, 1);
    });

    it('go when what they are about is mended and saved', async () => {
      const edit = new WorkspaceEdit();
      const at = document.getText().indexOf('"rows*.csv"');
      edit.replace(document.uri, new Range(document.positionAt(at), document.positionAt(at + 11)), '');
      assert.ok(await workspace.applyEdit(edit));
      assert.ok(await document.save());
      assert.deepEqual(await marked(document, (all) => all.length === 0), []);
    });

    it('are kept up to date on save also when the sheet is closed', async () => {
      await closeTabs();
      await window.showTextDocument(document);
      const edit = new WorkspaceEdit();
      const at = document.getText().indexOf('"data": []');
      edit.insert(document.uri, document.positionAt(at + 9), '"gone*.csv"');
      assert.ok(await workspace.applyEdit(edit));
      assert.ok(await document.save());
      const [missing] = await marked(document, (all) => all.length > 0);
      assert.match(missing?.message ?? '', /gone\*\.csv/);
      assert.equal(sheets().length, 0);
    });

    it('are not marked a second time where the live check of the file marks the same', async () => {
      const edit = new WorkspaceEdit();
      const at = document.getText().indexOf('gone*.csv');
      edit.replace(document.uri, new Range(document.positionAt(at), document.positionAt(at + 9)), 'gone.csv');
      assert.ok(await workspace.applyEdit(edit));
      assert.ok(await document.save());
      assert.deepEqual(await marked(document, (all) => all.length === 0), []);
      const all = languages.getDiagnostics(document.uri).map((d) => [d.source, d.message]);
      assert.deepEqual(all, [['RunPod', 'Nothing matches "gone.csv" of "sync.data".']]);
    });
  });
});
