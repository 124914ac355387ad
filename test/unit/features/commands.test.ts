import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { CommandRegistry, type CommandHandler, type CommandOptions } from '../../../src/features/common/commands.ts';
import type { Failures } from '../../../src/features/common/failures.ts';
import { lazy } from '../../../src/features/common/lazy.ts';
import type { Log } from '../../../src/features/common/log.ts';
import { commands } from '../../../src/features/ids.ts';

/** A command as VS Code calls it. */
function registered(handler: CommandHandler, options?: CommandOptions) {
  let call: (...args: unknown[]) => Promise<unknown> = () => Promise.reject(new Error('not registered'));
  const register = (_: string, callback: typeof call) => (call = callback);
  const vs = { commands: { registerCommand: register } } as unknown as typeof vscode;
  const shown: unknown[] = [];
  const failures = { show: (error: unknown) => shown.push(error) } as unknown as Failures;
  const registry = new CommandRegistry(vs, { debug: () => undefined } as unknown as Log, failures, {});
  registry.register(commands.terminatePod, handler, options);
  return { call: (...args: unknown[]) => call(...args), shown };
}

/** A handler that ends when the test lets it. */
function slow() {
  const calls: { args: unknown[]; end: (answer: unknown) => void; fail: (error: Error) => void }[] = [];
  const handler: CommandHandler = (...args) =>
    new Promise((resolve, reject) => calls.push({ args, end: resolve, fail: reject }));
  return { handler, calls };
}

describe('two clicks (R9.5)', () => {
  it('on one row are one action, for as long as that takes', async () => {
    const { handler, calls } = slow();
    const { call } = registered(handler);
    const first = call({ id: 'pod-1', item: {} });
    await new Promise((resolve) => setTimeout(resolve, 900));
    const second = call({ id: 'pod-1', item: {} }, [{ id: 'pod-1' }]);
    assert.equal(calls.length, 1);
    calls[0]?.end('gone');
    assert.deepEqual(await Promise.all([first, second]), ['gone', 'gone']);
    void call({ id: 'pod-1' });
    assert.equal(calls.length, 2, 'afterwards it is done again');
  });

  it('on two rows, or on two steps of one job, are two', () => {
    const { handler, calls } = slow();
    const { call } = registered(handler);
    void call({ id: 'pod-1' });
    void call({ id: 'pod-2' });
    void call({ id: 'job', step: 'a' });
    void call({ id: 'job', step: 'b' });
    void call({ scheme: 'file', path: '/a.runpod.json' });
    void call({ scheme: 'file', path: '/b.runpod.json' });
    void call({ scheme: 'file', path: '/b.runpod.json' }, 'train');
    assert.equal(calls.length, 7);
  });

  it('on a button without a row are one when they come together', async () => {
    const { handler, calls } = slow();
    const { call } = registered(handler);
    void call();
    void call(undefined);
    assert.equal(calls.length, 1);
    await new Promise((resolve) => setTimeout(resolve, 900));
    void call();
    assert.equal(calls.length, 2, 'somebody may start a second backup while the first goes on');
  });

  it('are one as long as it takes where only one can be', async () => {
    const { handler, calls } = slow();
    const { call } = registered(handler, { alone: true });
    void call();
    await new Promise((resolve) => setTimeout(resolve, 900));
    void call({ id: 'x' });
    assert.equal(calls.length, 1);
  });

  it('show a failure once, and a third is tried again', async () => {
    const { handler, calls } = slow();
    const { call, shown } = registered(handler);
    const both = Promise.all([call({ id: 'a' }), call({ id: 'a' })]);
    calls[0]?.fail(new Error('no'));
    await both;
    assert.equal(shown.length, 1);
    void call({ id: 'a' });
    assert.equal(calls.length, 2);
  });
});

describe('what is loaded at its first use (R9.2)', () => {
  it('is loaded once, and tried again after a failure', async () => {
    let tries = 0;
    const load = lazy(async () => {
      tries += 1;
      await Promise.resolve();
      if (tries === 1) {
        throw new Error('the disk was busy');
      }
      return tries;
    });
    assert.equal(load.made(), undefined);
    await assert.rejects(Promise.all([load(), load()]), /busy/);
    assert.equal(tries, 1);
    assert.deepEqual(await Promise.all([load(), load(), load()]), [2, 2, 2]);
    assert.equal(await load.made(), 2);
  });
});
