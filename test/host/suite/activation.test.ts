import assert from 'node:assert/strict';
import { commands, extensions } from 'vscode';

describe('activation in a real extension host', () => {
  it('activates without an error (R9.2)', async () => {
    const extension = extensions.getExtension('runpod-trainer.runpod-trainer');
    assert.ok(extension !== undefined, 'the extension is installed');
    await extension.activate();
    assert.ok((await commands.getCommands(true)).includes('runpodTrainer.signIn'));
  });
});
