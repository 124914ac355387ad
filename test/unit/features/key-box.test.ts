import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { askKey, type KeyBoxOptions } from '../../../src/features/account/key-box.ts';
import { Emitter } from '../../../src/features/common/disposables.ts';

/** As much of an input box as is used; what a user does comes from outside. */
function fakeBox() {
  const [accepted, changed, hidden, pressed] = [
    new Emitter<undefined>(),
    new Emitter<string>(),
    new Emitter<undefined>(),
    new Emitter<vscode.QuickInputButton>(),
  ];
  const box = {
    value: '',
    prompt: '',
    busy: false,
    open: false,
    password: false,
    ignoreFocusOut: false,
    validationMessage: undefined as string | undefined,
    buttons: [] as vscode.QuickInputButton[],
    onDidAccept: accepted.event,
    onDidChangeValue: changed.event,
    onDidHide: hidden.event,
    onDidTriggerButton: pressed.event,
    show: () => (box.open = true),
    hide: () => {
      box.open = false;
      hidden.fire(undefined);
    },
    dispose: () => undefined,
  };
  return {
    box,
    type: (text: string) => {
      box.value = text;
      changed.fire(text);
    },
    enter: () => accepted.fire(undefined),
    press: (tooltip: RegExp) => {
      const button = box.buttons.find((b) => tooltip.test(b.tooltip ?? ''));
      assert.ok(button, `no button ${String(tooltip)}`);
      pressed.fire(button);
    },
  };
}

function ask(more: Partial<KeyBoxOptions> = {}) {
  const user = fakeBox();
  const opened: string[] = [];
  const vs = {
    window: { createInputBox: () => user.box },
    env: { openExternal: (uri: string) => opened.push(uri) },
    Uri: { parse: String },
    ThemeIcon: Object,
  } as unknown as typeof vscode;
  const options = { title: 'Sign In', prompt: 'API key', placeHolder: 'rpa_…', ...more };
  return { ...user, opened, answer: askKey(vs, options) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the box that asks for a key (R9.6)', () => {
  it('stays open while the key is checked, and closes when it works', async () => {
    let works = (): void => undefined;
    const checked: string[] = [];
    const { box, type, enter, answer } = ask({
      check: (key) => {
        checked.push(key.reveal());
        return new Promise((resolve) => (works = resolve));
      },
    });
    type(' rpa_1 ');
    enter();
    enter();
    assert.deepEqual([box.open, box.busy, checked], [true, true, ['rpa_1']]);
    assert.ok(box.password && box.ignoreFocusOut);
    works();
    assert.equal((await answer)?.reveal(), 'rpa_1');
    assert.equal(box.open, false);
  });

  it('keeps what was typed when the check fails, says why and offers to try again', async () => {
    let tries = 0;
    const { box, type, enter, press, answer } = ask({
      check: () => (++tries < 3 ? Promise.reject(new Error('The host cannot be reached.')) : Promise.resolve()),
    });
    type('rpa_1');
    enter();
    await settled();
    assert.deepEqual(
      [box.open, box.busy, box.value, box.validationMessage],
      [true, false, 'rpa_1', 'The host cannot be reached.'],
    );
    press(/Try Again/);
    await settled();
    assert.equal(tries, 2);
    enter();
    assert.equal((await answer)?.reveal(), 'rpa_1');
  });

  it('sends nothing that is no key', () => {
    const { box, type, enter } = ask({ check: () => assert.fail('was checked') });
    for (const [text, why] of [
      ['', /needed/],
      ['  ', /needed/],
      ['two words', /no spaces/],
    ] as const) {
      type(text);
      enter();
      assert.match(box.validationMessage ?? '', why);
    }
  });

  it('forgets a check whose key was changed meanwhile, and gives up when it is closed', async () => {
    const signals: AbortSignal[] = [];
    const { box, type, enter, answer } = ask({
      check: (_key, signal) => {
        signals.push(signal);
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
        );
      },
    });
    type('rpa_1');
    enter();
    type('rpa_2');
    await settled();
    assert.deepEqual([signals[0]?.aborted, box.busy, box.validationMessage], [true, false, undefined]);
    enter();
    box.hide();
    assert.equal(await answer, undefined);
    assert.equal(signals[1]?.aborted, true);
  });

  it('opens the page where keys are made, where there is one', () => {
    const { press, opened } = ask({ page: 'https://console.runpod.io/user/settings' });
    press(/page where/);
    assert.deepEqual(opened, ['https://console.runpod.io/user/settings']);
    assert.deepEqual(ask().box.buttons, []);
  });
});
