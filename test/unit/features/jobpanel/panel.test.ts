import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type * as vscode from 'vscode';
import { JobRecords } from '../../../../src/core/journal/records.ts';
import { Emitter, reportThrownTo } from '../../../../src/features/common/disposables.ts';
import type { Log } from '../../../../src/features/common/log.ts';
import { quiet } from '../../../../src/features/jobpanel/attached-states.ts';
import { JobModel } from '../../../../src/features/jobpanel/job-model.ts';
import { JobPanel } from '../../../../src/features/jobpanel/panel.ts';
import { watchFolder } from '../../../../src/features/jobpanel/panels.ts';
import { makePastJobs } from '../../../support/past-jobs.ts';
import { useTempFolder } from '../../../support/temp.ts';
import { until } from '../../../support/wait.ts';

/** A model that counts how often it looks. */
class CountedModel extends JobModel {
  looks = 0;

  override async refresh(): Promise<void> {
    this.looks += 1;
    await super.refresh();
  }
}

interface Told {
  type: string;
  lines?: { text: string }[];
  fetched?: { files: number };
}

const wrong: unknown[] = [];
/** For what must not happen. */
const refuse = (...what: unknown[]): void => void wrong.push(what);

describe('the job panel (R9.3, R9.5)', () => {
  const temp = useTempFolder();
  let close: () => void = () => undefined;
  before(() => reportThrownTo(refuse));
  afterEach(() => {
    close();
    assert.deepEqual(wrong.splice(0), []);
  });

  after(() => reportThrownTo(() => undefined));
  async function open(more: { phase?: 'run' } = {}) {
    const [job = ''] = makePastJobs(temp.path, { count: 1, logLines: 60 });
    const records = new JobRecords(temp.path);
    if (more.phase !== undefined) {
      const file = `${records.folderOf(job)}/record.json`;
      const record = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
      delete record['outcome'];
      delete record['podEnded'];
      await writeFile(file, JSON.stringify({ ...record, phase: more.phase }));
    }
    const model = new CountedModel(records, job);
    const said = new Emitter<unknown>();
    const moved = new Emitter<undefined>();
    const closed = new Emitter<undefined>();
    const live = new Emitter<undefined>();
    const told: Told[] = [];
    const webview = {
      asWebviewUri: (uri: unknown) => uri,
      onDidReceiveMessage: said.event,
      postMessage: (message: Told) => Promise.resolve(told.push(message) > 0),
    };
    const tab = { webview, visible: true, title: '', onDidChangeViewState: moved.event, onDidDispose: closed.event };
    const vs = { Uri: { joinPath: (...parts: string[]) => parts.join('/') } } as unknown as typeof vscode;
    const log = { warn: refuse, error: refuse } as unknown as Log;
    let complete = 0;
    let states = 0;
    const panel = new JobPanel(vs, tab as unknown as vscode.WebviewPanel, {
      extensionUri: '/extension' as unknown as vscode.Uri,
      model,
      log,
      live: () => {
        states += 1;
        return { live: quiet, attached: false, folder: temp.path };
      },
      onLiveChange: live.event,
      onRecordChange: (listener) => watchFolder(records.folderOf(job), listener),
      act: refuse,
      copy: refuse,
      explanation: { message: () => undefined, look: refuse, act: refuse },
      onComplete: () => (complete += 1),
      onClosed: () => undefined,
    });
    close = () => panel.dispose();
    const show = (visible: boolean): void => {
      tab.visible = visible;
      moved.fire(undefined);
    };
    const ready = async (): Promise<void> => {
      const before = complete;
      said.fire({ type: 'ready' });
      said.fire({ type: 'select', step: 'train' });
      await until('all to be told', () => complete > before);
    };
    return { job, records, model, tab, told, live, show, ready, states: () => states };
  }

  /** What keeps this process awake now. */
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const timersOfPanel = (): number => {
    const before = timers();
    close();
    return before - timers();
  };

  it('keeps in its title when the job began, which tells two tabs of one project apart', async () => {
    const { model, tab, ready } = await open();
    await ready();
    assert.match(tab.title, new RegExp(`^${model.record?.project ?? ''} · .*\\d\\d:\\d\\d$`));
  });

  it('does nothing more once it has told all of a job that is over', async () => {
    const { model, told, ready, states } = await open();
    await ready();
    await delay(600);
    const [looks, messages, made] = [model.looks, told.length, states()];
    await delay(1_500);
    assert.deepEqual([model.looks, told.length, states()], [looks, messages, made]);
    assert.equal(timersOfPanel(), 0);
  });

  it('tells all the same what is written about it later', async () => {
    const { job, records, told, ready } = await open();
    await ready();
    await delay(600);
    await records.change(job, { fetched: { time: '2026-01-03T00:00:00.000Z', files: 77, bytes: 1 } });
    await until('the news', () => told.some(({ fetched }) => fetched?.files === 77));
  });

  it('does nothing while it is hidden, whatever a job writes, and then tells what was missed', async () => {
    const { job, records, model, told, live, show, ready } = await open({ phase: 'run' });
    await ready();
    show(false);
    await delay(300);
    const [looks, messages] = [model.looks, told.length];
    const lines = await readFile(records.journalFile(job), 'utf8');
    const last = JSON.parse(lines.trim().split('\n').at(-1) ?? '') as { seq: number };
    for (let i = 1; i <= 20; i++) {
      const event = { epoch: 1, seq: last.seq + i, time: '2026-01-03T00:00:00.000Z', type: 'log', step: 'train' };
      await appendFile(
        records.journalFile(job),
        `${JSON.stringify({ ...event, stream: 'out', lines: [`late ${i}`] })}\n`,
      );
      live.fire(undefined);
    }
    await delay(700);
    assert.deepEqual([model.looks, told.length], [looks, messages]);
    assert.ok(
      !model
        .step('train')
        .log.batch(0)
        .lines.some(({ text }) => text.startsWith('late')),
    );
    show(true);
    await ready();
    assert.ok(told.some(({ lines: shown }) => shown?.some(({ text }) => text === 'late 20')));
    show(false);
    await delay(300);
    assert.equal(timersOfPanel(), 0);
  });

  it('makes its state only when something may be another one', async () => {
    const { ready, states, model } = await open({ phase: 'run' });
    await ready();
    await delay(500);
    const [made, looks] = [states(), model.looks];
    await delay(2_000);
    assert.ok(model.looks > looks, 'a job that runs is looked at');
    assert.ok(states() - made <= model.looks - looks + 1, `${states() - made} states for ${model.looks - looks} looks`);
  });
});
