import assert from 'node:assert/strict';
import { bootHistory } from '../../../../src/core/journal/boots.ts';
import { rankRegions, type AdviceFacts } from '../../../../src/core/guards/advisor/rank.ts';
import { sizeText, volumeSizeGb } from '../../../../src/core/guards/advisor/size.ts';
import type { AdviceRequest } from '../../../../src/core/guards/advisor/index.ts';
import { cpuTypeListSchema, dataCenterListSchema, gpuTypeListSchema } from '../../../../src/core/runpod/schemas.ts';

const [rtx, l4, h100] = ['NVIDIA GeForce RTX 4090', 'NVIDIA L4', 'NVIDIA H100 80GB HBM3'];

interface Place {
  volumes?: string[];
  /** Stock by GPU. */
  gpus?: Record<string, string>;
}

/** Answers of the catalog for these places. */
function facts(places: Record<string, Place>, boots: AdviceFacts['boots'] = new Map()): AdviceFacts {
  const gpu = (id: string, secure: number, memory: number): object => ({
    id,
    name: id,
    memory,
    price: { secure, community: 0 },
    dataCenters: Object.entries(places).flatMap(([place, { gpus = {} }]) =>
      gpus[id] === undefined ? [] : [{ id: place, name: place, availability: gpus[id] }],
    ),
  });
  const dataCenters = Object.entries(places).map(([id, { volumes = ['STANDARD'] }]) => ({
    id,
    name: id,
    networkVolumeTypes: volumes,
  }));
  return {
    dataCenters: dataCenterListSchema.parse({ dataCenters }).dataCenters,
    catalog: {
      gpus: gpuTypeListSchema.parse({ gpus: [gpu(rtx, 0.74, 24), gpu(l4, 0.49, 24), gpu(h100, 3.29, 80)] }).gpus,
      cpus: cpuTypeListSchema.parse({ cpus: [] }).cpus,
    },
    boots,
    at: new Date('2026-11-22T09:00:00Z'),
    free: false,
  };
}

const order = (places: Record<string, Place>, request: Partial<AdviceRequest> = {}, boots?: AdviceFacts['boots']) =>
  rankRegions(facts(places, boots), { dataBytes: 0, gpus: [rtx], ...request }).rows.map((row) => row.dataCenter);

const high = { gpus: { [rtx]: 'HIGH' } };

describe('the region advisor (R1.1)', () => {
  it('puts first where a volume can be created, then what is free, then S3, then stock', () => {
    assert.deepEqual(
      order({
        'US-KS-2': { ...high, volumes: [] },
        'US-TX-3': high,
        'US-IL-1': { gpus: { [rtx]: 'LOW' } },
        'US-MD-1': { gpus: { [rtx]: 'MEDIUM' } },
        'US-NE-1': {},
      }),
      ['US-MD-1', 'US-IL-1', 'US-TX-3', 'US-NE-1', 'US-KS-2'],
    );
  });

  it('prefers the usual tier, then own boot times', () => {
    const boots = bootHistory([
      { dataCenter: 'US-NE-1', seconds: 50 },
      { dataCenter: 'US-IL-1', seconds: 300 },
      { dataCenter: 'US-NE-1', seconds: 70 },
    ]);
    assert.deepEqual(boots.get('US-NE-1'), { median: 60, count: 2 });
    const places = { 'US-CA-2': { ...high, volumes: ['HIGH_PERFORMANCE'] }, 'US-IL-1': high, 'US-NE-1': high };
    assert.deepEqual(order(places, {}, boots), ['US-NE-1', 'US-IL-1', 'US-CA-2']);
    const { rows } = rankRegions(facts(places, boots), { dataBytes: 0, gpus: [rtx] });
    assert.match(
      rows[0]?.reason ?? '',
      /^RTX 4090 is free \(high stock, \$0\.74\/h\); .*1 min after renting here \(median of 2\)\.$/,
    );
    assert.deepEqual([rows[0]?.rank, rows[2]?.bootHistory], [1, null]);
    assert.match(rows[2]?.reason ?? '', /high-performance volumes, which cost more/);
  });

  it("puts the project's volume first, since nothing else can be used with it (R1.3)", () => {
    const volume = { id: 'v1', name: 'songs', dataCenter: 'US-TX-3', size: 20 };
    const advice = rankRegions(facts({ 'US-MD-1': high, 'US-TX-3': { volumes: [], gpus: { [rtx]: 'LOW' } } }), {
      dataBytes: 30e9,
      gpus: [rtx],
      volume,
    });
    assert.equal(advice.recommended, 'US-TX-3');
    assert.match(advice.rows[0]?.reason ?? '', /^Your volume songs is here; RTX 4090 is free/);
    assert.match(advice.sizeText, /has 20 GB, and 60 GB would be twice the data\. A volume can grow, never shrink/);
    assert.equal(advice.noStock, undefined);
  });

  it('says where S3 comes from: table, setting, probe (R1.2)', () => {
    const places = { 'US-MD-1': high, 'US-TX-3': high, 'AP-JP-1': high };
    const request = {
      dataBytes: 0,
      s3: { own: { 'US-TX-3': 'https://s3.example', 'US-MD-1': '' } },
      probed: { 'AP-JP-1': 'unknown' as const },
    };
    const { rows } = rankRegions(facts(places), request);
    assert.deepEqual(
      rows.map((r) => [r.dataCenter, r.s3.answer, r.s3.source]),
      [
        ['US-TX-3', 'yes', 'setting'],
        ['AP-JP-1', 'unknown', 'probe'],
        ['US-MD-1', 'no', 'setting'],
      ],
    );
    const plain = rankRegions(facts(places), { dataBytes: 0 }).rows.map((r) => [
      r.dataCenter,
      r.s3.answer,
      r.s3.source,
    ]);
    assert.deepEqual(plain[0], ['US-MD-1', 'yes', 'table']);
    assert.deepEqual(plain[1], ['AP-JP-1', 'no', 'table']);
  });

  it('offers another GPU, patience and another place when nothing wanted is free there', () => {
    const volume = { id: 'v1', name: 'songs', dataCenter: 'US-TX-3', size: 20 };
    const places = { 'US-TX-3': { gpus: { [h100]: 'LOW', [l4]: 'LOW' } }, 'US-MD-1': high };
    const { noStock } = rankRegions(facts(places), { dataBytes: 0, gpus: [rtx], volume, minCuda: '12.8' });
    assert.equal(noStock?.nextAcceptable?.id, l4);
    assert.equal(noStock.nextAcceptable.text, 'Add L4 with 24 GB: it is in stock in US-TX-3 ($0.49/h).');
    assert.deepEqual(noStock.moveVolume, {
      to: 'US-MD-1',
      text: 'Move the volume songs to US-MD-1: RTX 4090 is in stock there ($0.74/h).',
    });
    assert.deepEqual([noStock.tellWhenFree.gpus, noStock.tellWhenFree.minCuda], [[rtx], '12.8']);
    const big = rankRegions(facts({ 'US-TX-3': { gpus: { [l4]: 'LOW' } } }), { dataBytes: 0, gpus: [h100], volume });
    assert.deepEqual([big.noStock?.nextAcceptable, big.noStock?.moveVolume], [null, null]);
  });

  it('recommends nothing where no volume can be created', () => {
    const advice = rankRegions(facts({ 'US-KS-2': { ...high, volumes: [] } }), { dataBytes: 0 });
    assert.deepEqual([advice.recommended, advice.noStock, advice.rows.length], [null, undefined, 1]);
  });

  it('counts GPUs in label and price, and keeps the wanted order', () => {
    const places = { 'US-MD-1': { gpus: { [rtx]: 'LOW', [h100]: 'HIGH' } } };
    const { rows } = rankRegions(facts(places), { dataBytes: 0, gpus: [l4, rtx], gpuCount: 2 });
    assert.deepEqual(
      rows[0]?.gpus.map((g) => [g.label, g.wanted, g.stock, g.pricePerHour]),
      [
        ['2 × L4', true, 'NONE', 0.98],
        ['2 × RTX 4090', true, 'LOW', 1.48],
        ['2 × H100 80GB HBM3', false, 'HIGH', 6.58],
      ],
    );
  });
});

describe('the size of a new volume (R1.4)', () => {
  it('is twice the data, within what the API allows', () => {
    assert.deepEqual([0, 4e9, 5.1e9, 50e9, 9e12].map(volumeSizeGb), [10, 10, 11, 100, 4096]);
  });

  it('says why, what it costs, and what cannot be undone', () => {
    assert.match(
      sizeText(50e9, false),
      /^The project has 50 GB of data; .*100 GB, leaves room.*about \$7\.00 a month.*Its region is for good; it can grow later, never shrink\.$/,
    );
    assert.match(sizeText(1e6, false), /1 MB of data; the smallest volume, 10 GB, is/);
  });
});
