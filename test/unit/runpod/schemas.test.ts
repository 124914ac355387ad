import assert from 'node:assert/strict';
import type { z } from 'zod';
import { describeViolations } from '../../../src/core/runpod/answers.ts';
import {
  billSchema,
  cpuTypeListSchema,
  dataCenterListSchema,
  endpointListSchema,
  endpointSchema,
  gpuTypeListSchema,
  podListSchema,
  podSchema,
  volumeListSchema,
} from '../../../src/core/runpod/schemas.ts';
import { billJson, podJson } from './api-server.ts';

/** Recorded from the platform in August 2026: the http entry's ports are internal ones. */
const recordedRuntime = {
  cpu: { util: 0 },
  gpus: [{ memoryUtil: 0, util: 0 }],
  memory: { util: 0 },
  ports: [
    { ip: '213.173.104.74', private: 22, public: 35558, type: 'tcp' },
    { ip: '100.65.14.155', private: 19123, public: 60821, type: 'http' },
  ],
  uptime: 3,
};

function violations(schema: z.ZodType, value: unknown): string[] {
  const result = schema.safeParse(value);
  assert.ok(!result.success);
  return describeViolations(result.error);
}

describe('answers are read leniently', () => {
  it('reads a recorded runtime as it came', () => {
    assert.deepEqual(podSchema.parse(podJson({ runtime: recordedRuntime })).runtime, recordedRuntime);
  });

  it('reads an empty runtime, and RUNNING without one', () => {
    const empty = podSchema.parse(podJson({ runtime: {} })).runtime;
    assert.deepEqual(empty, { uptime: null, gpus: [], cpu: null, memory: null, ports: [] });
    const early = podSchema.parse(podJson({ runtime: null, ssh: { proxy: null, direct: null } }));
    assert.equal(early.status, 'RUNNING');
    assert.deepEqual([early.runtime, early.ssh], [null, { proxy: null, direct: null }]);
  });

  it('reads a pod of which only id and status are known', () => {
    const pod = podSchema.parse({ id: 'p', status: 'EXITED' });
    assert.deepEqual(pod.mounts, { network: [], persistent: null });
    assert.deepEqual([pod.env, pod.ports, pod.actions, pod.cmd], [{}, [], [], []]);
    assert.deepEqual([pod.gpu, pod.cpu, pod.dataCenterId, pod.startedAt], [null, null, null, null]);
    assert.equal(pod.cost, null, 'a price that is not told is not 0');
  });

  it('drops unknown fields, accepts null lists, and reads words of the future as unknown', () => {
    const pod = podSchema.parse(
      podJson({
        brandNew: { deep: [1] },
        status: 'HIBERNATING',
        actions: ['stop', 'hibernate'],
        ports: null,
        env: null,
      }),
    );
    assert.equal(pod.status, 'UNKNOWN');
    assert.deepEqual([pod.actions, pod.ports, pod.env], [['stop'], [], {}]);
    assert.ok(!('brandNew' in pod));
  });

  it('reads lists with and without pagination, with null or nothing in the place of the list', () => {
    const last = { nextCursor: null, hasNextPage: false };
    for (const answer of [
      { pods: [] },
      { pods: null },
      {},
      { pods: [], pagination: null },
      { pods: [], pagination: {} },
    ]) {
      assert.deepEqual(podListSchema.parse(answer), { pods: [], pagination: last });
    }
    assert.deepEqual(volumeListSchema.parse({}).networkVolumes, []);
    assert.deepEqual(gpuTypeListSchema.parse({ gpus: null }).gpus, []);
    assert.deepEqual(cpuTypeListSchema.parse({}).cpus, []);
  });

  it('reads an endpoint of which only id and workers are known, for GPUs and CPUs', () => {
    const least = endpointSchema.parse({ id: 'e1', workers: { min: 0, max: 3 }, type: 'FUTURE', registry: null });
    assert.deepEqual(least, {
      id: 'e1',
      name: '',
      type: 'UNKNOWN',
      image: null,
      env: {},
      gpu: null,
      cpu: [],
      workers: { min: 0, max: 3 },
      dataCenterIds: [],
      networkVolumes: [],
      createdAt: null,
    });
    assert.deepEqual(endpointSchema.parse({ ...least, gpu: { pools: null } }).gpu, { pools: [], count: 1 });
    assert.deepEqual(endpointListSchema.parse({ endpoints: null }).endpoints, []);
    assert.deepEqual(violations(endpointSchema, { id: 'e1' }).length, 1);
  });

  it('reads catalog entries without stock', () => {
    const [dataCenter] = dataCenterListSchema.parse({
      dataCenters: [{ id: 'EU-RO-1', name: 'Romania', region: 'EUROPE', networkVolumeTypes: [], compliance: null }],
    }).dataCenters;
    assert.deepEqual(dataCenter?.networkVolumeTypes, []);
    assert.deepEqual(dataCenter.gpuAvailability, []);
    const [gpu] = gpuTypeListSchema.parse({ gpus: [{ id: 'NVIDIA L4', price: { secure: 0.49 } }] }).gpus;
    assert.equal(gpu?.availability, null);
    assert.deepEqual(gpu.price, { secure: 0.49, community: null, serverless: null });
  });

  it('takes the total of a bill from its metadata', () => {
    const bill = billSchema.parse(billJson);
    assert.equal(bill.totalAmount, 1.75);
    assert.deepEqual(bill.records[0]?.amounts, { gpuAmount: 1.5, cpuAmount: 0, diskAmount: 0.25, totalAmount: 1.75 });
    assert.equal(bill.records[0].podId, 'pod1');
    assert.deepEqual(billSchema.parse({ metadata: { totals: { totalAmount: 0 } } }).records, []);
  });

  it('names the field that breaks the schema, and none of the values', () => {
    const secret = 'a value of the answer';
    const pods = [podJson(), podJson({ id: 7, cost: secret, ssh: { direct: { host: secret, port: secret } } })];
    assert.deepEqual(
      violations(podListSchema, { pods }).map((text) => text.split(':')[0]),
      ['Field pods[1].id', 'Field pods[1].cost', 'Field pods[1].ssh.direct.port'],
    );
    assert.ok(!violations(podListSchema, { pods }).join().includes(secret));
    assert.match(violations(podListSchema, []).join(), /Field \(the whole answer\)/);
    assert.match(violations(billSchema, { metadata: { totals: {} } }).join(), /metadata\.totals\.totalAmount/);
    const many = violations(podListSchema, { pods: Array.from({ length: 9 }, () => ({})) });
    assert.deepEqual([many.length, many.at(-1)], [6, '13 more fields differ']);
  });
});
