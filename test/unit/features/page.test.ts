import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { Emitter } from '../../../src/features/common/disposables.ts';
import type { Log } from '../../../src/features/common/log.ts';
import { Page } from '../../../src/features/common/page/page.ts';
import { fromPanelSchema, type FromPanel } from '../../../src/messages/job-panel.ts';

/** A tab as VS Code has it, as far as a page uses it. */
function fakeTab() {
  const said = new Emitter<unknown>();
  const moved = new Emitter<undefined>();
  const closed = new Emitter<undefined>();
  const told: unknown[] = [];
  const webview = {
    html: '',
    options: {},
    cspSource: 'https://own.example',
    asWebviewUri: (uri: unknown) => uri,
    onDidReceiveMessage: said.event,
    postMessage: (message: unknown) => Promise.resolve(told.push(message) > 0),
  };
  const tab = {
    webview,
    visible: true,
    disposed: false,
    iconPath: undefined,
    title: '',
    onDidChangeViewState: moved.event,
    onDidDispose: closed.event,
    dispose: () => {
      tab.disposed = true;
      closed.fire(undefined);
    },
  };
  return { tab, said, moved, told };
}

function openPage() {
  const { tab, ...rest } = fakeTab();
  const happened: string[] = [];
  const vs = { Uri: { joinPath: (...parts: string[]) => parts.join('/') } } as unknown as typeof vscode;
  const log = { warn: (line: string) => happened.push(line) } as unknown as Log;
  const page = new Page<FromPanel>(vs, tab as unknown as vscode.WebviewPanel, {
    extensionUri: '/extension' as unknown as vscode.Uri,
    log,
    name: 'job-panel',
    title: 'Job',
    schema: fromPanelSchema,
    handlers: {
      select: ({ step }) => happened.push(`select ${step}`),
      action: ({ action }) => happened.push(`action ${action}`),
      explain: () => happened.push('explain'),
      'explanation-act': ({ act }) => happened.push(`act ${act}`),
      copy: () => happened.push('copy'),
    },
    onReady: () => happened.push('ready'),
    onShownOrHidden: () => happened.push('moved'),
    onClosed: () => happened.push('closed'),
  });
  return { page, tab, happened, ...rest };
}

describe('the page of a panel (R9.4, security rule 10)', () => {
  it('loads its own script and style only', () => {
    const { tab } = openPage();
    const { html, options } = tab.webview;
    const [, nonce = ''] = /script-src 'nonce-([\w-]{20,})'/.exec(html) ?? [];
    assert.match(html, /content="default-src 'none'; style-src https:\/\/own\.example; script-src 'nonce-[\w-]+'; /);
    assert.ok(html.includes(`<script nonce="${nonce}" src="/extension/dist/webview/job-panel.js">`));
    assert.deepEqual(options, {
      enableScripts: true,
      enableCommandUris: false,
      localResourceRoots: ['/extension/dist/webview'],
    });
  });

  it('is listened to when what it says is what was agreed on', () => {
    const { said, happened } = openPage();
    said.fire({ type: 'ready' });
    said.fire({ type: 'select', step: 'train' });
    said.fire({ type: 'action', action: 'rm' });
    said.fire({ type: 'refused', why: 'steps: too_big' });
    assert.deepEqual(happened.slice(0, 2), ['ready', 'select train']);
    assert.match(happened[2] ?? '', /^A message of the page job-panel was refused: action: /);
    assert.equal(happened[3], 'The page job-panel did not understand a message: steps: too_big');
  });

  it('listens from when it is ready until it is hidden, and again when it was made again', () => {
    const { page, tab, said, moved, happened } = openPage();
    assert.equal(page.listening, false);
    said.fire({ type: 'ready' });
    assert.equal(page.listening, true);
    tab.visible = false;
    moved.fire(undefined);
    assert.equal(page.listening, false);
    tab.visible = true;
    moved.fire(undefined);
    assert.equal(page.listening, false, 'it knows nothing yet');
    said.fire({ type: 'ready' });
    assert.equal(page.listening, true);
    assert.deepEqual(happened, ['ready', 'moved', 'moved', 'ready']);
  });

  it('is closed by us or by the user, and nothing is heard of it after that', () => {
    const { page, tab, said, happened } = openPage();
    page.dispose();
    said.fire({ type: 'ready' });
    assert.equal(tab.disposed, true);
    assert.deepEqual(happened, ['closed']);
  });

  it('takes what still comes when it is closed: a closed tab throws at every touch', () => {
    const { page, tab } = openPage();
    page.dispose();
    const touched = (): never => assert.fail('a closed tab was touched');
    for (const name of ['title', 'visible', 'active', 'viewColumn'] as const) {
      Object.defineProperty(tab, name, { get: touched, set: touched });
    }
    Object.assign(tab, { reveal: touched });
    page.rename('Run p');
    page.reveal();
    assert.deepEqual([page.listening, page.active, page.visible, page.column], [false, false, false, undefined]);
  });

  it('leaves its tab open for the time after a reload of the window when it is let go', () => {
    const { page, tab, said, happened } = openPage();
    page.release();
    said.fire({ type: 'ready' });
    assert.equal(tab.disposed, false);
    assert.deepEqual(happened, []);
  });
});
