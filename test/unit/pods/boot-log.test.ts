import assert from 'node:assert/strict';
import { fingerprintsIn } from '../../../src/core/pods/boot-log.ts';

describe('host keys in the boot log', () => {
  it('takes fingerprints as ssh-keygen prints them and nothing else', () => {
    const print = 'SHA256:RcxPg63JY+J3w95caeS08AtnAnMDYwwDp8gQgL4bKGE';
    assert.deepEqual(fingerprintsIn(`256 ${print} root@4f2 (ED25519)`), [print]);
    assert.deepEqual(fingerprintsIn('SSH host keys:'), []);
    assert.deepEqual(fingerprintsIn('SHA256:short'), []);
    assert.deepEqual(fingerprintsIn(`${print}x`), [], 'one character too many is another hash');
  });
});
