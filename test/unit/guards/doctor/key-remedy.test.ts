import assert from 'node:assert/strict';
import { keyRemedy } from '../../../../src/core/guards/doctor/key-remedy.ts';
import { podSchema, type Pod } from '../../../../src/core/runpod/schemas.ts';
import { generateKeyPair } from '../../../../src/core/ssh/index.ts';

const ours = generateKeyPair('ours').publicKey;
const other = generateKeyPair('other').publicKey;
const pod = (env: Record<string, string>, more: object = {}): Pod =>
  podSchema.parse({ id: 'p', name: 'p', status: 'RUNNING', env, ...more });

describe('why a pod does not let the key in (R9.8)', () => {
  const cases: [title: string, pod: Pod, why: RegExp][] = [
    ['no PUBLIC_KEY', pod({}), /created without PUBLIC_KEY/],
    ['an empty PUBLIC_KEY', pod({ PUBLIC_KEY: ' \n' }), /created without PUBLIC_KEY/],
    ['Windows line ends', pod({ PUBLIC_KEY: `${ours}\r\n` }), /CRLF/],
    ['another key', pod({ PUBLIC_KEY: other }), /another key than the one of this installation/],
    ['two other keys', pod({ PUBLIC_KEY: `${other}\n${other}` }), /another key/],
    ['our key with another comment', pod({ PUBLIC_KEY: `${other}\n${ours} somebody` }), /does not honour it/],
    ['a start command', pod({ PUBLIC_KEY: ours }, { cmd: ['sleep', '60'] }), /start command of its own/],
    ['a start command as one text', pod({ PUBLIC_KEY: ours }, { args: 'python serve.py --token x' }), /start command/],
  ];
  for (const [title, subject, why] of cases) {
    it(title, () => {
      const told = keyRemedy(subject, ours);
      assert.match(told.why, why);
      assert.match(told.remedy, /registered in the account make no difference/);
      assert.ok(!(told.why + told.remedy).includes('token'), 'what may be secret is not shown');
    });
  }
});
