import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { quoteArgv } from '../../../src/core/ssh/index.ts';

/** What `sh` makes of the text: the arguments, each ended by NUL. */
function parsedBySh(line: string): string[] {
  const out = execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
  return out.split('\0').slice(0, -1);
}

describe('quoteArgv', () => {
  const hard = [
    'plain',
    '',
    'two words',
    "it's",
    '"double"',
    'a\nb',
    '$HOME ${HOME} $(id) `id`',
    'back\\slash',
    '*?[a-z]{a,b}',
    '~root',
    '-n',
    '!history',
    'naïve 日本語 🚂',
    ';&|<>()#',
    'tab\tend\n',
    'a=b',
  ];

  it('yields exactly the same arguments in a shell', () => {
    assert.deepEqual(parsedBySh(quoteArgv(hard)), hard);
  });

  it('leaves plain words readable', () => {
    assert.equal(quoteArgv(['python3', '/a/b-c.pyz', '--root=x']), "python3 /a/b-c.pyz '--root=x'");
  });

  it('refuses what no shell can carry', () => {
    assert.throws(() => quoteArgv(['a\0b']), /NUL/);
    assert.throws(() => quoteArgv([]), /at least one/);
  });
});
