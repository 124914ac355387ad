import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { preflight, type PreflightReport } from '../../../../src/core/guards/preflight/index.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { CancelledError } from '../../../../src/core/errors.ts';
import { given } from './project.ts';

describe('preflight when facts cannot be had (R4.1)', function () {
  this.timeout(60_000);
  const suite = given();

  const statusOf = (report: PreflightReport, id: string): string | undefined =>
    report.checks.find((c) => c.id === id)?.status;

  it('says unknown for what only RunPod can tell while it is away, and still looks at the files', async () => {
    await suite.account.sandbox.apiDown('refused');
    const loaded = await loadProject(
      await suite.template.copy('away', { edit: (p) => (p.env.A = 'http://10.0.0.1/') }),
    );
    const report = await preflight(suite.account.installation, loaded);
    assert.deepEqual(
      report.findings.map((f) => f.id),
      ['address-private'],
    );
    for (const id of ['api-key', 'clock', 'balance', 'volume', 'hardware']) {
      assert.equal(statusOf(report, id), 'unknown', id);
    }
    assert.equal(statusOf(report, 'parquet'), 'ok');
    for (const { unknown } of report.checks) {
      for (const sentence of unknown) {
        assert.match(sentence, /^\S.*\.$/s);
      }
    }
    assert.ok(report.ms < 20_000, `${report.ms} ms`);
  });

  it('takes a key without the right to see the balance for what it is', async () => {
    suite.account.sandbox.requests.fail(403, { path: /graphql/ });
    const report = await preflight(
      suite.account.installation,
      await loadProject(await suite.template.copy('balance', {})),
    );
    assert.equal(statusOf(report, 'balance'), 'unknown');
    assert.deepEqual(report.findings, []);
  });

  it('runs nothing of the project, whatever its files are called', async () => {
    const mark = 'open(__file__ + ".ran", "w").close()\n';
    const names = ['json.py', 'ast.py', 'site.py', 'sitecustomize.py', 'app/__init__.py', 'transformers.py'];
    const loaded = await loadProject(
      await suite.template.copy('hostile', { files: Object.fromEntries(names.map((name) => [name, mark])) }),
    );
    const report = await preflight(suite.account.installation, loaded);
    assert.equal(report.checks.find((c) => c.id === 'code')?.status, 'ok');
    assert.deepEqual(
      readdirSync(loaded.root, { recursive: true }).filter((name) => String(name).endsWith('.ran')),
      [],
    );
  });

  it('rejects only when it is cancelled', async () => {
    const loaded = await loadProject(await suite.template.copy('cancelled', {}));
    await assert.rejects(
      preflight(suite.account.installation, loaded, { signal: AbortSignal.abort() }),
      CancelledError,
    );
  });

  it('reads compressions that Node knows, and the use of the volume when somebody has counted', async () => {
    await suite.account.volume('songs');
    const loaded = await loadProject(
      await suite.template.copy('zstd', {
        files: { 'data/songs.parquet': await suite.template.parquet('zstd.parquet') },
      }),
    );
    const volumeUse = { bytes: 9.9e9, time: '2026-11-22T08:00:00.000Z' };
    const report = await preflight(suite.account.installation, loaded, { volumeUse });
    assert.deepEqual(
      report.findings.map((f) => f.id),
      ['volume-smaller', 'volume-nearly-full'],
    );
    assert.equal(statusOf(report, 'gates'), 'ok');
  });
});
