import assert from 'node:assert/strict';
import { preflight, type CheckReport } from '../../../../src/core/guards/preflight/index.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { given } from './project.ts';

describe('preflight of the key that ends the pod (R4.1, R4.3)', function () {
  this.timeout(60_000);
  const suite = given();
  let count = 0;

  const refused = (): Promise<void> => {
    const found = { value: 'none' as const, time: '2026-11-20T10:00:00.000Z', evidence: 'start 403' };
    return suite.account.installation.platform.save(suite.account.installation.restUrl, { podKeyRights: found });
  };

  async function look(endKeySecret?: string): Promise<CheckReport> {
    const loaded = await loadProject(await suite.template.copy(`case-${count++}`, {}));
    const { checks } = await preflight({ ...suite.account.installation, endKeySecret }, loaded);
    return checks.find((c) => c.id === 'end-key') ?? assert.fail();
  }

  async function makeSecret(name: string): Promise<void> {
    const { restUrl, key } = suite.account.sandbox;
    const answer = await fetch(`${restUrl}/account/secrets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name, value: suite.account.sandbox.restrictedKey() }),
    });
    assert.equal(answer.status, 201);
  }

  it('says nothing where nobody has seen that pods may not end themselves', async () => {
    assert.deepEqual((await look()).findings, []);
    assert.ok(suite.account.requests.every((r) => !r.path.includes('secrets')));
  });

  it('warns with the way to a key of one’s own where RunPod was seen to refuse the pod’s, and no longer with one', async () => {
    await refused();
    const [finding] = (await look()).findings;
    assert.equal(finding?.id, 'cap-unarmed');
    assert.match(
      finding.next,
      /make a restricted key in the RunPod console .* Secrets, and give this program the name of that secret/,
    );
    assert.deepEqual(finding.remedies, [{ do: 'set-end-key-secret' }]);
    assert.equal(finding.fix?.command, 'open-url');
    await makeSecret('end_key');
    const { status, findings } = await look('end_key');
    assert.deepEqual([status, findings], ['ok', []]);
  });

  it('warns of a secret that does not exist, also by the case of a letter', async () => {
    await makeSecret('End_Key');
    await makeSecret('end_key_2');
    const { findings } = await look('end_key');
    assert.deepEqual(
      findings.map((f) => [f.id, f.severity]),
      [['end-key-missing', 'warning']],
    );
  });

  it('refuses a name that cannot be one', async () => {
    for (const name of ['RunPod_key', 'my key', '1key', 'x'.repeat(192)]) {
      assert.deepEqual(
        (await look(name)).findings.map((f) => [f.id, f.severity]),
        [['end-key-name', 'error']],
      );
    }
  });

  it('does not know where the API does not tell', async () => {
    for (const status of [404, 403, 405]) {
      suite.account.sandbox.requests.restore();
      suite.account.sandbox.requests.fail(status, { path: /account\/secrets/ });
      const { status: seen, unknown, findings } = await look('end_key');
      assert.deepEqual([seen, findings], ['unknown', []]);
      assert.deepEqual(unknown, ['Whether the secret end_key exists is not told to this key.']);
    }
  });
});
