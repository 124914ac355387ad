import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import type { CommandHandler, CommandRegistry } from '../../../src/features/common/commands.ts';
import type { Log } from '../../../src/features/common/log.ts';
import { Settings } from '../../../src/features/common/settings.ts';
import { commands } from '../../../src/features/ids.ts';
import { createWindowModule } from '../../../src/features/window/module.ts';

describe('the log of a window (R9.2)', () => {
  it('says where the log of jobs is, when it is shown', async () => {
    const handlers = new Map<string, CommandHandler>();
    const registry = {
      register: (id: string, handler: CommandHandler) => {
        handlers.set(id, handler);
        return { dispose: () => undefined };
      },
    } as unknown as CommandRegistry;
    const happened: string[] = [];
    const log = { info: (line: string) => happened.push(line), show: () => happened.push('shown') } as unknown as Log;
    createWindowModule({} as typeof vscode, registry, log, []);
    await handlers.get(commands.showLog)?.();
    assert.deepEqual(happened, ['What jobs did is in the output "RunPod Jobs": "RunPod: Show Job Log".', 'shown']);
  });
});

describe('the setting for messages of long jobs (R9.2)', () => {
  it('is minutes, five unless told, and none at all at 0', () => {
    const longMs = (value: unknown): number =>
      new Settings({
        workspace: { getConfiguration: () => ({ get: () => value }) },
      } as unknown as typeof vscode).longJobMs;
    assert.deepEqual([5, 0.5, 0, -1, 'x', NaN, undefined].map(longMs), [
      300_000,
      30_000,
      Infinity,
      Infinity,
      300_000,
      300_000,
      300_000,
    ]);
  });
});
