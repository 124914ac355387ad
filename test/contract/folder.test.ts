import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { limits } from '../../src/core/contract.ts';
import { filesBelow, read, root, vectors } from './folder.ts';

const sourceOf = (files: string[]): string => files.map(read).join('\n');

describe('the folder contract/', () => {
  it('has a reason for each number, which is used by whom it says', () => {
    const rows = [...read('contract/README.md').matchAll(/^\| `(\w+)` +\| (both|client|worker) +\| (\S.*\S) +\|$/gm)];
    assert.deepEqual(
      rows.map(([, key]) => key),
      Object.keys(limits),
    );
    const client = sourceOf(filesBelow('src/core', '.ts'));
    const worker = sourceOf(
      filesBelow('gpu-worker/runpod_trainer_worker', '.py').filter((file) => !file.endsWith('base/contract.py')),
    );
    for (const [, key = '', who] of rows) {
      const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const inClient = new RegExp(`\\blimits\\.${key}\\b|\\{ ${key} \\} = limits`).test(client);
      const inWorker = new RegExp(`\\bLIMITS\\.${snake}\\b`).test(worker);
      const seen = inClient && inWorker ? 'both' : inClient ? 'client' : inWorker ? 'worker' : 'nobody';
      assert.equal(seen, who, key);
    }
  });

  it('has numbers that say their unit and fit together', () => {
    for (const [key, value] of Object.entries(limits)) {
      assert.match(key, /(Number|Bytes|Characters|Items|Lines|Milliseconds|Seconds|Minutes|Days|Code)$/);
      assert.ok(Number.isSafeInteger(value) && value > 0, key);
    }
    // A character takes at most six bytes, and an event has an envelope.
    assert.ok(limits.logLineCharacters * 6 + 2048 < limits.eventLineBytes);
    assert.ok(limits.eventTextBytes * 4 < limits.eventLineBytes && limits.evidenceBytes * 4 < limits.eventLineBytes);
    assert.ok(limits.frameBytes < limits.pieceBytes && limits.eventLineBytes < limits.answerBytes);
    assert.ok(limits.leaseSeconds < limits.holdSeconds);
  });

  it('has vectors that both sides read, each with a name of its own and a reason', () => {
    const client = sourceOf(filesBelow('test/contract', '.test.ts'));
    const worker = sourceOf(filesBelow('gpu-worker/tests/contract', '.py'));
    const files = readdirSync(`${root}contract/vectors`);
    assert.ok(files.length > 0);
    for (const file of files) {
      const name = file.replace(/\.json$/, '');
      assert.match(client, new RegExp(`\\bvectors<[^']*>\\(\\s*'${name}'`), `the client's tests do not read ${file}`);
      assert.match(worker, new RegExp(`\\bvectors\\("${name}"\\)`), `the worker's tests do not read ${file}`);
      assert.match(read('contract/README.md'), new RegExp(`^\\| \`${name}\` `, 'm'));
      const cases = vectors(name);
      assert.equal(new Set(cases.map((one) => one.name)).size, cases.length, file);
      assert.ok(
        cases.every((one) => one.name !== '' && one.why !== ''),
        file,
      );
    }
  });
});
