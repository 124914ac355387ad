import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import ssh2 from 'ssh2';
import { fingerprintOf, generateKeyPair } from '../../../src/core/ssh/index.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('generateKeyPair', () => {
  const folder = useTempFolder();

  it('makes a pair that OpenSSH reads, with the same fingerprint', async () => {
    const pair = generateKeyPair('me@RunPod Trainer');
    const file = path.join(folder.path, 'key');
    await writeFile(file, pair.privateKey, { mode: 0o600 });
    const derived = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim();
    assert.equal(derived, pair.publicKey);
    const [, printed] = execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).split(' ');
    assert.equal(fingerprintOf(Buffer.from(pair.publicKey.split(' ')[1]!, 'base64')), printed);
  });

  it('makes a good pair every time', () => {
    for (let i = 0; i < 1000; i += 1) {
      const pair = generateKeyPair('x');
      const key = ssh2.utils.parseKey(pair.privateKey);
      const open = ssh2.utils.parseKey(pair.publicKey);
      assert(!(key instanceof Error) && !(open instanceof Error));
      assert.equal(open.verify('data', key.sign('data')), true);
    }
  });

  it('refuses a comment that would add lines to authorized_keys', () => {
    assert.throws(() => generateKeyPair('a\nssh-ed25519 AAAA'), /one line/);
  });
});
