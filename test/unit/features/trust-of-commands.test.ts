import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { UserError } from '../../../src/core/errors.ts';
import type { AccountModule } from '../../../src/features/account/module.ts';
import type { CommandHandler, CommandRegistry } from '../../../src/features/common/commands.ts';
import type { Failures } from '../../../src/features/common/failures.ts';
import { PolledList } from '../../../src/features/common/polled-list.ts';
import { Settings } from '../../../src/features/common/settings.ts';
import { commands, type CommandId } from '../../../src/features/ids.ts';
import { createJobsModule } from '../../../src/features/jobs/module.ts';
import { createProjectFileModule } from '../../../src/features/projectfile/module.ts';
import { createVolumesModule } from '../../../src/features/volumes/module.ts';
import type { Pod } from '../../../src/core/runpod/schemas.ts';

/** Answers everything with itself: the editor's part plays no role before the question of trust. */
const anything: unknown = new Proxy(function () {}, {
  get: (_, key) => (key === 'then' || key === Symbol.iterator ? undefined : anything),
  apply: () => anything,
  construct: () => anything as object,
});

describe('commands of a folder that is not trusted (R9.9)', () => {
  const handlers = new Map<CommandId, CommandHandler>();
  const touched: string[] = [];
  const refuse = (what: string) => () => {
    touched.push(what);
    return Promise.reject(new Error(what));
  };
  const registry = {
    register: (id: CommandId, handler: CommandHandler) => {
      handlers.set(id, handler);
      return { dispose: () => undefined };
    },
  } as unknown as CommandRegistry;
  const account = {
    account: {
      ready: false,
      onDidChange: () => ({ dispose: () => undefined }),
      client: refuse('the account'),
      requireTrust: () => {
        throw new UserError('untrusted', { what: 'This folder is not trusted.', next: 'Trust it.' });
      },
    },
    credentials: { onDidChange: () => ({ dispose: () => undefined }) },
    installation: refuse('the installation'),
    records: refuse('the records'),
    s3: refuse('S3'),
    ownMemory: new Map(),
  } as unknown as AccountModule;

  before(() => {
    const vs = anything as typeof vscode;
    const pods = new PolledList<Pod>(
      () => Promise.resolve([]),
      () => 1000,
    );
    const settings = new Settings(vs);
    const context = { extensionPath: '/x' };
    createVolumesModule(vs, context, registry, account, settings, pods).dispose();
    const jobs = { state: {}, onDidChange: () => ({ dispose: () => undefined }) };
    createProjectFileModule(vs, registry, account, settings, jobs).dispose();
    const failures = anything as Failures;
    createJobsModule(
      vs,
      registry,
      failures,
      account,
      settings,
      { pods, askedHere: () => false },
      () => undefined,
    ).dispose();
  });

  for (const name of ['createProjectFile', 'run', 'runAgain', 'runFrom', 'growVolume', 'createVolume'] as const) {
    it(`${name} does nothing, whoever calls it`, async () => {
      const handler = handlers.get(commands[name]);
      assert.ok(handler !== undefined);
      touched.length = 0;
      await assert.rejects(
        Promise.resolve().then(() => handler({ id: 'x', step: 'y' })),
        (error) => error instanceof UserError && error.code === 'untrusted',
      );
      assert.deepEqual(touched, []);
    });
  }
});
