import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { useTempFolder } from '../../support/temp.ts';
import { until } from '../../support/wait.ts';

const script = fileURLToPath(new URL('../../support/looking-window.ts', import.meta.url));
const everyMs = 400;

interface Told {
  value: string[];
  age: number;
  asked: boolean;
}

describe('windows that look at one account (R9.1)', () => {
  const temp = useTempFolder();
  let server: Server;
  let requests: number[];
  /** Whether the service answers. */
  let answers: boolean;
  let windows: ChildProcess[];

  beforeEach(async () => {
    requests = [];
    answers = true;
    windows = [];
    server = createServer((_, response) => {
      requests.push(performance.now());
      if (answers) {
        setTimeout(() => response.end(JSON.stringify([`pod ${requests.length}`])), 20);
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    windows.forEach((window) => window.kill('SIGKILL'));
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  function open(): { window: ChildProcess; told: Told[] } {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const window = spawn(process.execPath, [script, temp.path, url, String(everyMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    windows.push(window);
    const told: Told[] = [];
    createInterface({ input: window.stdout }).on('line', (line) => told.push(JSON.parse(line) as Told));
    return { window, told };
  }

  it('ask as often as one alone, and all see what it was told', async () => {
    const all = Array.from({ length: 5 }, open);
    await until('all to see something', () => all.every(({ told }) => told.length > 0), 60_000);
    const [before, started] = [requests.length, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 10 * everyMs));
    const intervals = (performance.now() - started) / everyMs;
    const asked = requests.length - before;
    assert.ok(asked <= intervals + 1, `${asked} requests in ${intervals.toFixed(1)} intervals`);
    assert.ok(asked >= 1, 'nobody asked');
    const last = all.map(({ told }) => told.at(-1)?.value[0]);
    assert.ok(last.every((value) => value !== undefined));
    // What a window shows is never older than the interval and a request.
    assert.ok(all.every(({ told }) => told.every(({ age, asked: own }) => own || age <= everyMs)));
  }).timeout(120_000);

  it('go on when the one that asks is killed in the middle of it', async () => {
    answers = false;
    const first = open();
    await until('it to ask', () => requests.length === 1, 60_000);
    const others = [open(), open()];
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(requests.length, 1, 'the others wait for what the first is told');
    answers = true;
    first.window.kill('SIGKILL');
    await once(first.window, 'exit');
    const died = performance.now();
    await until('the others to see', () => others.every(({ told }) => told.length > 0), 60_000);
    // A busy machine may take its time; that a holder is dead is seen at the next look at its lock, 0.2 s later.
    assert.ok((requests[1] ?? Infinity) - died < 10_000);
  }).timeout(120_000);
});
