import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import packageJson from '../../../package.json' with { type: 'json' };
import { whyTooOld } from '../../../src/cli/oldest-node.ts';

describe('a Node that is too old', () => {
  const sentence = (version: string): string =>
    `runpod-trainer needs Node.js 22.15 or newer and this is ${version}: ` +
    'install a newer one, for example from https://nodejs.org, and run the command again.';

  it('is told what is needed, what it is and what to do', () => {
    for (const version of ['22.14.0', '22.9.1', '20.20.2', '9.99.0']) {
      assert.equal(whyTooOld('>=22.15', version), sentence(version));
    }
  });

  it('is not the oldest one, a newer one or one that is not out yet', () => {
    for (const version of ['22.15.0', '22.100.0', '23.0.0', '24.21.0', '100.0.0', '25.0.0-nightly2026']) {
      assert.equal(whyTooOld('>=22.15', version), undefined);
    }
  });

  it('is decided by package.json, in the one form that everything reads', () => {
    assert.match(packageJson.engines.node, /^>=\d+\.\d+$/);
  });

  it('is the one that the documents name', async () => {
    for (const file of ['README.md', 'CHANGELOG.md', 'docs/cli.md']) {
      const text = await readFile(new URL(`../../../${file}`, import.meta.url), 'utf8');
      const named = packageJson.engines.node.replace('>=', 'Node.js ');
      assert.ok(text.replaceAll(/\s+/g, ' ').includes(`${named} or newer`), `${file} does not name ${named}`);
    }
  });
});
