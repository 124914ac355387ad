import assert from 'node:assert/strict';
import type { Isolation, PodKeyRights, RequestSeen, SandboxOptions } from '../../../../sandbox/index.ts';
import { Problem } from '../../../../sandbox/index.ts';
import { CancelledError } from '../../../../src/core/errors.ts';
import {
  planVerification,
  verifyPlatform,
  type Answer,
  type Verification,
  type VerifyOptions,
} from '../../../../src/core/guards/verify/index.ts';
import { until } from '../../../support/wait.ts';
import { Clinic } from '../doctor/setup.ts';
import { isolations } from '../../sandbox/harness.ts';

interface Check {
  clinic: Clinic;
  seen: RequestSeen[];
}

async function withSandbox(options: Partial<SandboxOptions>, work: (check: Check) => Promise<void>): Promise<void> {
  const seen: RequestSeen[] = [];
  const { faults, ...rest } = options;
  const clinic = await Clinic.open({
    ...rest,
    faults: {
      ...faults,
      request: (request) => {
        seen.push(request);
        return faults?.request?.(request);
      },
    },
  });
  try {
    await work({ clinic, seen });
  } finally {
    await clinic.close();
  }
}

async function verify(
  { clinic }: Check,
  more: Pick<Partial<VerifyOptions>, 'signal' | 'onAnswer' | 'onFindings'> & { volume?: boolean; s3?: boolean } = {},
): Promise<Verification> {
  const { installation, sandbox } = clinic;
  const s3 = { endpoints: { template: sandbox.s3Url }, keys: () => Promise.resolve(sandbox.s3Keys) };
  return verifyPlatform({
    installation: {
      ...installation,
      asker: 'terminal',
      machine: 'm',
      home: clinic.folder,
      ...(more.s3 === true && { s3 }),
    },
    connection: { restUrl: sandbox.restUrl, apiKey: sandbox.key },
    plan: await planVerification(installation.client, { volume: more.volume === true }),
    onAnswer: more.onAnswer ?? (() => undefined),
    onFindings: more.onFindings,
    signal: more.signal,
    readySeconds: 30,
    billSeconds: 2,
  });
}

/** Neither pods nor volumes are left, and exactly one pod was granted. */
async function assertNothingLeft({ clinic }: Check): Promise<void> {
  const { client } = clinic.installation;
  const pods = await client.pods.list();
  assert.deepEqual(
    pods.filter((p) => p.status !== 'TERMINATED').map((p) => p.name),
    [],
  );
  assert.deepEqual(await client.volumes.list(), []);
}

const by = (result: Verification, id: string): Answer => {
  const found = result.answers.find((a) => a.id === id);
  assert.ok(found, `no answer ${id}`);
  return found;
};

const forms: { isolation: Isolation; podKeyRights: PodKeyRights; billRunningPods: boolean }[] = isolations.flatMap(
  (isolation) =>
    (['own', 'none', 'invalid'] as const).map((podKeyRights) => ({
      isolation,
      podKeyRights,
      billRunningPods: podKeyRights === 'none',
    })),
);

describe('verification of the platform', () => {
  for (const form of forms) {
    const { isolation, podKeyRights, billRunningPods } = form;
    it(`tells the truth of a sandbox with ${isolation} pods, pod keys "${podKeyRights}", ${billRunningPods ? 'an eager' : 'a lagging'} bill`, () =>
      withSandbox(form, async (check) => {
        const result = await verify(check);
        const { findings } = result;
        assert.equal(findings.podKeyRights?.value, podKeyRights === 'own' ? 'own' : 'none', JSON.stringify(findings));
        const start = { own: 409, none: 403, invalid: 401 }[podKeyRights];
        assert.match(by(result, 'pod-key').answer, new RegExp(`start ${start} `));
        assert.match(
          by(result, 'end').answer,
          // The pod may be gone before it has passed its answer on.
          podKeyRights === 'own' ? /own DELETE was answered 204$|the connection ended with/ : /ours ended it$/,
        );
        assert.equal(findings.minDiskGb?.value, 20);
        assert.equal(findings.hostKeysInLog?.value, true);
        assert.equal(findings.environmentOnlyInPid1?.value, true);
        assert.equal(findings.billShowsRunning?.value, billRunningPods);
        assert.ok((findings.bootSeconds?.value ?? 0) > 0);
        assert.ok((findings.terminateSeconds?.value ?? 0) > 0);
        assert.ok((findings.billLagSeconds?.value ?? 9) < 2);
        assert.equal(findings.rateLimitPerMinute?.value, 3000);
        assert.equal(findings.volumesInPages?.value, false);
        assert.ok(findings.dataCenters?.value['US-MD-1']?.includes('STANDARD'));
        assert.equal(by(result, 'api').status, 'unknown');
        for (const id of ['s3', 'serverless']) {
          assert.equal(by(result, id).status, 'not asked');
        }
        await assertNothingLeft(check);
        assert.ok(!JSON.stringify(result).includes('rpa_'), 'a key is in the result');
      }));
  }

  it('tries a volume when asked to, and deletes it', () =>
    withSandbox({}, async (check) => {
      const result = await verify(check, { volume: true });
      assert.equal(result.findings.attachedVolumeDeletable?.value, false);
      assert.match(by(result, 'df').answer, /it shows [\d.]+ GB/);
      await assertNothingLeft(check);
    }));

  for (const [trailers, checksums] of [
    [false, 'header'],
    [true, 'trailer'],
  ] as const) {
    it(`asks S3 with the keys of the account, where checksums behind a stream are ${trailers ? 'taken' : 'refused'}`, () =>
      withSandbox({}, async (check) => {
        check.clinic.sandbox.s3.faults.trailers = trailers;
        const result = await verify(check, { volume: true, s3: true });
        const { s3Works, s3Ranges, s3Checksums } = result.findings;
        assert.deepEqual(Object.values(s3Works?.value ?? {}), [true], JSON.stringify(result.answers));
        assert.deepEqual([s3Ranges?.value, s3Checksums?.value], [true, checksums]);
        assert.equal(by(result, 's3-region').status, 'answered');
        await assertNothingLeft(check);
      }));
  }

  it('says why S3 is not asked, or that it does not open the volume', () =>
    withSandbox({}, async (check) => {
      const { answer } = by(await verify(check, { volume: true }), 's3');
      assert.equal(answer, 'no S3 keys are set');
      check.clinic.sandbox.s3.faults.fail(403, { operation: 'HeadBucket' });
      const aborted = new AbortController();
      const kept: string[] = [];
      const asked = verify(check, {
        volume: true,
        s3: true,
        signal: aborted.signal,
        onFindings: (findings) => Promise.resolve(void kept.push(...Object.keys(findings))),
      });
      const { client } = check.clinic.installation;
      const stop = until('the volume', async () => (await client.volumes.list()).length > 0, 30_000);
      void stop.then(() => aborted.abort());
      await assert.rejects(asked, { name: 'CancelledError' });
      await stop;
      assert.ok(kept.includes('dataCenters') && !kept.includes('s3Works'), 'what was found is kept all the same');
      await assertNothingLeft(check);
    }));

  it('asks what is free of charge when no CPU pod is free by the catalog', () =>
    withSandbox({}, async (check) => {
      for (const { id } of await check.clinic.installation.client.catalog.cpus()) {
        check.clinic.sandbox.stock.set({ cpu: id }, 'NONE');
      }
      const result = await verify(check);
      assert.equal(by(result, 'disk').status, 'unknown');
      assert.equal(by(result, 'data-centers').status, 'answered');
      assert.equal(result.findings.podKeyRights, undefined);
      assert.equal(check.seen.filter((r) => r.method === 'POST').length, 0);
    }));

  it('tries the next place when the catalog was wrong, and gives up when all refuse', () =>
    withSandbox({}, async (check) => {
      const { stock } = check.clinic.sandbox;
      // Both sizes are refused at the first place.
      stock.refuse({ cpu: 'cpu3c', dataCenter: 'EU-RO-1' });
      const result = await verify(check);
      assert.equal(result.findings.minDiskGb?.value, 20);
      stock.refuse({});
      const refused = await verify(check);
      assert.match(by(refused, 'disk').answer, /no CPU pod was granted: There are no longer any instances/);
      await assertNothingLeft(check);
    }));

  it('tries the smaller disk first', () =>
    withSandbox({}, async (check) => {
      const disks: number[] = [];
      const { client } = check.clinic.installation;
      const create = client.pods.create.bind(client.pods);
      client.pods.create = (request, signal) => {
        disks.push(request.disk ?? 0);
        return create(request, signal);
      };
      const result = await verify(check);
      assert.deepEqual(disks, [10, 20]);
      assert.match(result.findings.minDiskGb?.evidence ?? '', /20 GB was granted, 10 GB was refused/);
    }));

  it('promises a cost under ten cents, from the catalog, and refuses when it cannot keep to it', () =>
    withSandbox({}, async ({ clinic }) => {
      const { client } = clinic.installation;
      const plan = await planVerification(client, { volume: true });
      assert.ok(plan.mostDollars > 0.005 && plan.mostDollars < 0.1, String(plan.mostDollars));
      const dear = (await client.catalog.cpus({ vcpuCount: 2 })).map((c) => ({
        ...c,
        price: { securePerVcpu: 3, serverlessPerVcpu: 3 },
      }));
      client.catalog.cpus = () => Promise.resolve(dear);
      await assert.rejects(planVerification(client, { volume: false }), /could cost \$1\.\d+ .* Nothing was started/);
    }));

  for (const when of ['boot', 'environment', 'end']) {
    it(`leaves nothing when it is cancelled after the answer "${when}"`, () =>
      withSandbox({}, async (check) => {
        const stop = new AbortController();
        const onAnswer = (answer: Answer): void => {
          if (answer.id === when) {
            stop.abort();
          }
        };
        await assert.rejects(verify(check, { signal: stop.signal, onAnswer, volume: true }), CancelledError);
        await assertNothingLeft(check);
      }));
  }

  it('leaves nothing when it is cancelled while the pod is being created or booted', () =>
    withSandbox({ delays: { ports: 600_000 } }, async (check) => {
      const stop = new AbortController();
      const verifying = verify(check, { signal: stop.signal });
      verifying.catch(() => undefined);
      await until('a pod is there', async () => (await check.clinic.installation.client.pods.list()).length > 0);
      stop.abort();
      await assert.rejects(verifying, CancelledError);
      await assertNothingLeft(check);
    }));

  it('goes on after a question that fails, and ends the pod', () => {
    const request = (seen: RequestSeen): Problem | undefined =>
      seen.path.startsWith('/v2/billing') ? new Problem(403, 'no permission for billing') : undefined;
    return withSandbox({ faults: { request } }, async (check) => {
      const result = await verify(check);
      assert.match(by(result, 'bill-running').answer, /no permission for billing/);
      assert.equal(by(result, 'bill').status, 'unknown');
      assert.equal(result.findings.podKeyRights?.value, 'own');
      await assertNothingLeft(check);
    });
  });

  it('says which pod may be left when its end cannot be confirmed', () => {
    let broken = false;
    const request = (seen: RequestSeen): Problem | undefined =>
      broken && seen.path.startsWith('/v2/pods/') ? new Problem(403, 'suspended') : undefined;
    return withSandbox({ faults: { request } }, async (check) => {
      const onAnswer = (answer: Answer): void => {
        broken ||= answer.id === 'pod-key';
      };
      await assert.rejects(verify(check, { onAnswer }), /The pod rpt-verify-\w+ .* may still cost money/);
    });
  });

  it('gives up a pod that never answers, and ends it', () =>
    withSandbox({ delays: { ports: 600_000 } }, async (check) => {
      const { installation, sandbox } = check.clinic;
      const result = await verifyPlatform({
        installation: { ...installation, asker: 'terminal', machine: 'm', home: check.clinic.folder },
        connection: { restUrl: sandbox.restUrl, apiKey: sandbox.key },
        plan: await planVerification(installation.client, { volume: false }),
        onAnswer: () => undefined,
        readySeconds: 1,
        billSeconds: 1,
      });
      assert.match(by(result, 'boot').answer, /no login within [\d.]+ s: RUNNING after/);
      await assertNothingLeft(check);
    }));
});
