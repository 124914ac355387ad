import assert from 'node:assert/strict';
import { commands, extensions } from 'vscode';
import { commands as ids } from '../../../src/features/ids.ts';

describe('activation in a real extension host', () => {
  it('activates without an error and registers every command (R9.2)', async () => {
    const extension = extensions.getExtension('runpod-trainer.runpod-trainer');
    assert.ok(extension !== undefined, 'the extension is installed');
    await extension.activate();
    const registered = new Set(await commands.getCommands(true));
    assert.deepEqual(
      Object.values(ids).filter((id) => !registered.has(id)),
      [],
    );
  });
});
