import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CancelledError } from '../../../src/core/errors.ts';
import { createEnvironment, missingModules, sampleModules } from '../../../src/features/sandbox/sample-python.ts';
import { workerFile } from '../../support/installation.ts';
import { useTempFolder } from '../../support/temp.ts';
import { python } from '../jobs/harness.ts';

describe('the Python of the sample (R9.7)', () => {
  const folder = useTempFolder();
  const never = new AbortController().signal;

  async function make(
    requirements: string,
    signal = never,
    report: (text: string) => void = () => undefined,
  ): Promise<string> {
    const file = path.join(folder.path, 'requirements.txt');
    await writeFile(file, requirements);
    return createEnvironment({
      python,
      folder: path.join(folder.path, 'env'),
      requirements: file,
      oneOf: ['no-such-package-anywhere==0+cpu', 'pip'],
      signal,
      report,
    });
  }

  it('is complete in the environment of the tests, and known to be missing elsewhere', async () => {
    assert.deepEqual(await missingModules(python, workerFile), []);
    await assert.rejects(missingModules(path.join(folder.path, 'no-python'), workerFile), { code: 'python' });
  });

  it('is made in a folder of its own, where nothing was before', async () => {
    const told: string[] = [];
    const made = await make('# nothing\n', never, (text) => told.push(text));
    assert.deepEqual(await missingModules(made, workerFile), sampleModules);
    assert.ok(told.length >= 2, told.join('\n'));
  });

  it('leaves no half of an environment when something fails, and says why', async () => {
    await assert.rejects(make('no-such-package-anywhere==0\n'), (error: Error) => {
      assert.match(error.message, /no-such-package-anywhere/);
      return true;
    });
    assert.deepEqual(await readdir(folder.path), ['requirements.txt']);
  });

  it('stops when it is cancelled', async () => {
    const abort = new AbortController();
    const making = make('# nothing\n', abort.signal, () => abort.abort());
    await assert.rejects(making, CancelledError);
    assert.ok(!existsSync(path.join(folder.path, 'env')));
  });
});
