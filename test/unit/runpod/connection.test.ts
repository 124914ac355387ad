import assert from 'node:assert/strict';
import { UserError } from '../../../src/core/errors.ts';
import { checkConnection, graphqlUrl, isLoopback } from '../../../src/core/runpod/connection.ts';

const apiKey = 'rpa_KEY';

describe('connection', () => {
  it('derives GraphQL from the REST address', () => {
    assert.equal(graphqlUrl({ restUrl: 'https://api.runpod.io/v2' }), 'https://api.runpod.io/graphql');
    assert.equal(graphqlUrl({ restUrl: 'http://127.0.0.1:4000/v2' }), 'http://127.0.0.1:4000/graphql');
  });

  it('tidies the address and the key', () => {
    const tidy = checkConnection({ restUrl: ' https://api.runpod.io/v2/ ', apiKey: ` ${apiKey}\n` });
    assert.deepEqual(tidy, { restUrl: 'https://api.runpod.io/v2', apiKey });
  });

  it('refuses addresses that would leak the key or cannot work', () => {
    const refused = ['', 'api.runpod.io', 'ftp://api.runpod.io', 'http://api.runpod.io/v2', 'https://a:b@host/v2'];
    for (const restUrl of [...refused, 'https://host/v2?x=1', 'http://127.0.0.1.example.com/v2']) {
      assert.throws(
        () => checkConnection({ restUrl, apiKey }),
        (e) => e instanceof UserError && e.code === 'runpod-url' && !e.message.includes(apiKey),
        restUrl,
      );
    }
  });

  it('refuses a missing or malformed key without quoting it', () => {
    for (const bad of ['', '  ', 'two words', 'line\nbreak', 'clé']) {
      assert.throws(
        () => checkConnection({ restUrl: 'https://api.runpod.io/v2', apiKey: bad }),
        (e) => e instanceof UserError && e.code === 'runpod-key' && !(bad.trim() && e.message.includes(bad)),
        bad,
      );
    }
  });

  it('knows addresses of this machine', () => {
    const own = ['http://127.0.0.1:1/v2', 'http://localhost', 'http://[::1]:80/'];
    assert.deepEqual(own.map(isLoopback), [true, true, true]);
    assert.equal(isLoopback('https://localhost.example.com'), false);
  });
});
