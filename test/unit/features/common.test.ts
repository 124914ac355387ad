import type * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { CancelledError, UserError } from '../../../src/core/errors.ts';
import { DisposableStore } from '../../../src/features/common/disposables.ts';
import { describeFailure, Failures } from '../../../src/features/common/failures.ts';
import { contextOf, staleMessage } from '../../../src/features/common/list-view.ts';
import { logLine, type Log } from '../../../src/features/common/log.ts';
import { NothingToDo } from '../../../src/features/common/nothing-to-do.ts';
import { Secret } from '../../../src/features/common/secret.ts';

describe('a disposable store', () => {
  it('disposes in reverse order, once, and goes on after one that throws', () => {
    const order: string[] = [];
    const store = new DisposableStore();
    store.add({ dispose: () => order.push('first') });
    store.add({
      dispose: () => {
        throw new Error('no');
      },
    });
    store.add({ dispose: () => order.push('last') });
    assert.throws(() => store.dispose(), AggregateError);
    store.dispose();
    assert.deepEqual(order, ['last', 'first']);
  });

  it('disposes at once what comes after its end', () => {
    const store = new DisposableStore();
    store.dispose();
    let disposed = false;
    store.add({ dispose: () => (disposed = true) });
    assert.ok(disposed);
  });
});

describe('a secret (R9.6)', () => {
  const canary = 'rpa_CANARY0123456789';
  const secret = new Secret(canary);

  it('shows itself in no text', () => {
    const texts = [String(secret), JSON.stringify({ secret }), inspect({ secret }, { depth: 9, showHidden: true })];
    for (const text of [...texts, logLine('key:', [secret])]) {
      assert.doesNotMatch(text, /CANARY/);
      assert.match(text, /\[secret\]/);
    }
    assert.equal(secret.reveal(), canary);
  });

  it('is not in the log line of an error that carries it in a field', () => {
    const error = Object.assign(new Error('request failed'), { config: { headers: { Authorization: canary } } });
    assert.doesNotMatch(logLine('failed:', [error]), /CANARY/);
  });
});

describe('failures in words', () => {
  const vs = { Uri: { file: String } } as unknown as typeof vscode;

  it('shows what a UserError says, with the button that helps', () => {
    const error = new UserError('runpod-auth', {
      what: 'Could not list pods.',
      why: 'Key refused.',
      next: 'Enter it.',
      remedies: [{ do: 'sign-in' }],
    });
    const shown = describeFailure(error, 'Refresh', vs);
    assert.equal(shown?.text, 'Could not list pods. Key refused. Enter it.');
    assert.deepEqual(
      shown.buttons.map((a) => a.title),
      ['Sign In…'],
    );
  });

  it('offers the log for an answer of RunPod that was not understood: it is there alone', () => {
    const error = new UserError('runpod-schema', { what: 'Odd.', remedies: [{ do: 'set-api-address' }] });
    assert.deepEqual(
      describeFailure(error, 'Refresh', vs)?.buttons.map((a) => a.title),
      ['Open Setting', 'Show Log'],
    );
  });

  it('is silent about what the user cancelled and offers the log for surprises', () => {
    assert.equal(describeFailure(new CancelledError(), 'Run', vs), undefined);
    const shown = describeFailure(new TypeError('x is undefined'), 'Run Pipeline…', vs);
    assert.match(shown?.text ?? '', /"Run Pipeline…" failed.*x is undefined/);
    assert.deepEqual(
      shown?.buttons.map((a) => a.title),
      ['Show Log'],
    );
  });
});

describe('a command that has nothing to do (R9.2)', () => {
  const shown: string[] = [];
  const window = Object.fromEntries(
    ['setStatusBarMessage', 'showInformationMessage', 'showErrorMessage'].map((how) => [
      how,
      (...words: unknown[]) => {
        shown.push(`${how}: ${words.filter((word) => typeof word === 'string').join(' | ')}`);
        return Promise.resolve(undefined);
      },
    ]),
  );
  const failures = new Failures(
    { window } as unknown as typeof vscode,
    { error: (line: string) => shown.push(line) } as unknown as Log,
  );
  beforeEach(() => (shown.length = 0));

  it('says so in the status bar, never in red', () => {
    failures.show(new NothingToDo('No job is running.'), 'Cancel Job…');
    assert.deepEqual(shown, ['setStatusBarMessage: $(info) No job is running.']);
  });

  it('offers what can be done instead', () => {
    const buttons = [{ title: 'Fetch Results…', command: 'x' }];
    failures.show(new NothingToDo('The results are not here yet.', buttons), 'Open Results Folder');
    assert.deepEqual(shown, ['showInformationMessage: The results are not here yet. | Fetch Results…']);
  });
});

describe('states of a list', () => {
  const fresh = { items: ['x'], seen: new Date(2026, 10, 22, 9, 5), error: undefined };

  it('are told apart for the welcome texts', () => {
    assert.equal(contextOf({ items: undefined, seen: undefined, error: undefined }), 'loading');
    assert.equal(contextOf({ items: undefined, seen: undefined, error: new Error('x') }), 'unreachable');
    assert.equal(contextOf({ ...fresh, items: [] }), 'empty');
    assert.equal(contextOf({ ...fresh, items: [], error: new Error('x') }), 'unreachable');
    assert.equal(contextOf({ ...fresh, error: new Error('x') }), 'listed');
  });

  it('say since when they are stale, and why', () => {
    assert.equal(staleMessage(fresh), undefined);
    const error = new UserError('runpod-network', {
      what: 'Could not list.',
      why: 'api.runpod.io could not be reached.',
    });
    assert.equal(staleMessage({ ...fresh, error }), 'Last seen 09:05. api.runpod.io could not be reached.');
  });
});
