import type * as vscode from 'vscode';
import { CancelledError, messageOf } from '../../core/errors.ts';
import { Secret } from '../common/secret.ts';

export interface KeyBoxOptions {
  title: string;
  prompt: string;
  placeHolder: string;
  /** Whether what is typed is hidden; it is, unless told. */
  hidden?: boolean;
  /** Where such keys are made. */
  page?: string;
  /** Finds out whether the key works; rejects with what is wrong. */
  check?: (key: Secret, signal: AbortSignal) => Promise<void>;
}

/**
 * Asks for a key. The box stays open while the key is checked and keeps what was typed when that failed, so that it can be
 * tried again or mended. Undefined when the user gave up.
 */
export function askKey(vs: typeof vscode, options: KeyBoxOptions): Promise<Secret | undefined> {
  const { title, prompt, placeHolder, hidden = true, page, check } = options;
  const box = vs.window.createInputBox();
  Object.assign(box, { title, prompt, placeholder: placeHolder, password: hidden, ignoreFocusOut: true });
  const open = { iconPath: new vs.ThemeIcon('link-external'), tooltip: 'Open the page where such keys are made' };
  const again = { iconPath: new vs.ThemeIcon('refresh'), tooltip: 'Try Again' };
  const usual = page === undefined ? [] : [open];
  let checking: AbortController | undefined;
  const stop = (): void => {
    checking?.abort(new CancelledError());
    checking = undefined;
    Object.assign(box, { busy: false, prompt });
  };
  const complain = (message: string | undefined): void => {
    // The types do not say so, but undefined is how a complaint is taken away.
    (box as { validationMessage: vscode.InputBox['validationMessage'] }).validationMessage = message;
  };

  return new Promise((resolve) => {
    const accept = async (): Promise<void> => {
      const wrong = required(box.value);
      if (checking !== undefined || wrong !== undefined) {
        complain(wrong);
        return;
      }
      const key = new Secret(box.value.trim());
      const own = new AbortController();
      checking = own;
      complain(undefined);
      Object.assign(box, { busy: check !== undefined, prompt: check === undefined ? prompt : 'Checking the key…' });
      try {
        await check?.(key, own.signal);
        if (!own.signal.aborted) {
          resolve(key);
          box.hide();
        }
      } catch (error) {
        if (!own.signal.aborted) {
          stop();
          complain(messageOf(error));
          box.buttons = [again, ...usual];
        }
      }
    };
    box.buttons = usual;
    box.onDidAccept(() => void accept());
    box.onDidChangeValue(() => {
      stop();
      complain(undefined);
    });
    box.onDidTriggerButton((button) => {
      if (button === again) {
        void accept();
      } else if (page !== undefined) {
        void vs.env.openExternal(vs.Uri.parse(page));
      }
    });
    box.onDidHide(() => {
      stop();
      resolve(undefined);
      box.dispose();
    });
    box.show();
  });
}

function required(value: string): string | undefined {
  if (value.trim() === '') {
    return 'A key is needed.';
  }
  return /\s/.test(value.trim()) ? 'A key contains no spaces or line breaks.' : undefined;
}
