import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { preflight, type PreflightReport } from '../../../../src/core/guards/preflight/index.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { Account } from '../../../support/account.ts';
import { colors, stretch, writeParquet } from './project.ts';

const repository = path.resolve(import.meta.dirname, '..', '..', '..', '..');
const sample = path.join(repository, 'examples', 'rainbow');
const largeBytes = 5e9;

/** What the sample says without being wrong: the steps' times add up to more than the cap. */
const harmless = ['cap-below-sum', 's3-keys'];

describe('preflight of the sample project (R4.1)', function () {
  this.timeout(60_000);
  let folder: string;
  let account: Account;

  before(async () => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runpod-trainer-test-')));
    cpSync(sample, folder, {
      recursive: true,
      filter: (from) =>
        !/runpod-results|staged_raw_material|\.runpod-trainer|__pycache__|training\/(data|output)/.test(from),
    });
    account = await Account.open();
  });
  after(async () => {
    await account.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const profiles = [undefined, 'on-pod', 'without-green', 'on-pod-without-green'];

  for (const [when, withData] of [
    ['before its data is made', false],
    ['with a parquet of 5 GB', true],
  ] as const) {
    for (const profile of profiles) {
      it(`finds nothing wrong ${when}, ${profile === undefined ? 'without a profile' : `profile ${profile}`}, in under 3 s`, async () => {
        if (withData && !existsSync(path.join(folder, 'training/data'))) {
          await makeData(folder);
        }
        const from = account.requests.length;
        const loaded = await loadProject(path.join(folder, 'training.runpod.json'));
        const options = { profile, secret: () => undefined, s3Keys: false };
        const { findings, ms } = await quickest(() => preflight(account.installation, loaded, options));
        assert.deepEqual(
          findings.filter((f) => f.severity !== 'info' || !harmless.includes(f.id)),
          [],
        );
        assert.ok(ms < 3000, `${ms} ms`);
        const changing = account.requests.slice(from).filter((r) => r.method !== 'GET' && r.path !== '/graphql');
        assert.deepEqual(changing, []);
      });
    }
  }

  it('has the profiles that are tried here', async () => {
    const { project } = await loadProject(path.join(folder, 'training.runpod.json'));
    assert.deepEqual(Object.keys(project.profiles), profiles.slice(1));
  });

  it('tells a truncated file of 5 GB in under 3 s', async () => {
    await makeData(folder);
    const media = path.join(folder, 'training/data/training_segments_media.parquet');
    truncateSync(media, largeBytes - 1000);
    const loaded = await loadProject(path.join(folder, 'training.runpod.json'));
    const { findings, ms } = await quickest(() => preflight(account.installation, loaded));
    assert.deepEqual(
      findings.filter((f) => f.severity === 'error').map((f) => [f.id, f.at]),
      [['parquet-broken', ['sync', 'data', 2]]],
    );
    assert.ok(ms < 3000, `${ms} ms`);
  });
});

/** The quickest of up to three reports, so that a busy moment of the machine is not taken for the time it needs. */
async function quickest(report: () => Promise<PreflightReport>): Promise<PreflightReport> {
  let best = await report();
  for (let tries = 1; tries < 3 && best.ms >= 3000; tries += 1) {
    const next = await report();
    best = next.ms < best.ms ? next : best;
  }
  return best;
}

async function makeData(folder: string): Promise<void> {
  const data = path.join(folder, 'training/data');
  mkdirSync(data, { recursive: true });
  await writeParquet([
    { path: path.join(data, 'base_manifest_db.parquet'), rows: 1327, colors },
    { path: path.join(data, 'training_segments_metadata.parquet'), rows: 11_274, colors },
    { path: path.join(data, 'training_segments_media.parquet'), rows: 11_274, colors },
  ]);
  await stretch(path.join(data, 'training_segments_media.parquet'), largeBytes);
}
