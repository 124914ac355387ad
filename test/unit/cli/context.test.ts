import assert from 'node:assert/strict';
import { ownVariable } from '../../../src/cli/context.ts';

describe('a secret by the name of a variable (R9.6)', () => {
  it('is a variable of the environment and nothing that every object has', () => {
    process.env['RUNPOD_TRAINER_TEST_VARIABLE'] = 'a';
    assert.equal(ownVariable('RUNPOD_TRAINER_TEST_VARIABLE'), 'a');
    delete process.env['RUNPOD_TRAINER_TEST_VARIABLE'];
    for (const name of ['__proto__', 'constructor', 'toString', 'RUNPOD_TRAINER_TEST_VARIABLE']) {
      assert.equal(ownVariable(name), undefined, name);
    }
  });
});
