import assert from 'node:assert/strict';
import type { DataCenter, GpuType } from '../../../src/core/runpod/schemas.ts';
import { parseProject } from '../../../src/core/project/parse.ts';
import { hoverAt } from '../../../src/features/projectfile/hover-text.ts';
import { dataCenterOffers, gpuOffers, imageOffers } from '../../../src/features/projectfile/offers.ts';
import { proposalsAt, type Proposal, type Sources } from '../../../src/features/projectfile/proposals.ts';
import { gateTemplates, stepTemplates } from '../../../src/features/projectfile/snippets.ts';

const gpu = (id: string, secure: number, memory: number, stock: Record<string, 'HIGH' | 'LOW' | 'NONE'>): GpuType =>
  ({
    ...{
      id,
      name: id.replace('NVIDIA ', ''),
      memory,
      secure: true,
      price: { secure, community: null, serverless: null },
    },
    dataCenters: Object.entries(stock).map(([dataCenter, availability]) => ({ id: dataCenter, availability })),
  }) as unknown as GpuType;
const catalog = [
  gpu('NVIDIA H200', 3.99, 141, { 'EU-RO-1': 'HIGH' }),
  gpu('NVIDIA L4', 0.39, 24, { 'US-MD-1': 'LOW', 'EU-RO-1': 'HIGH' }),
  gpu('NVIDIA A40', 0.4, 48, { 'US-MD-1': 'HIGH' }),
  gpu('NVIDIA OLD', 0, 8, {}),
];
const center = (id: string, tiers: string[]): DataCenter =>
  ({ id, name: `Place of ${id}`, networkVolumeTypes: tiers }) as unknown as DataCenter;
const sources: Sources = {
  gpus: (dataCenter) => Promise.resolve(gpuOffers(catalog, dataCenter, false)),
  dataCenters: () =>
    Promise.resolve(
      dataCenterOffers([center('AP-JP-1', ['STANDARD']), center('US-MD-1', ['STANDARD']), center('US-X-1', [])], {}),
    ),
  files: () =>
    Promise.resolve([
      'src/',
      'src/train.py',
      'checks/gate.py',
      'a.ipynb',
      'requirements.txt',
      'notes.txt',
      'd/x.parquet',
    ]),
};

/** The text with `|` where the cursor is. */
async function at(marked: string): Promise<Proposal[]> {
  const offset = marked.indexOf('|');
  assert.ok(offset >= 0);
  return proposalsAt(marked.replace('|', ''), offset, sources);
}
const labels = (found: readonly Proposal[]): string[] => found.map(({ label }) => label);

/** The text after a proposal was taken and its places were left as they are. */
function taken(marked: string, { insert, range }: Proposal): string {
  const text = marked.replace('|', '');
  const plain = insert
    .replace(/\$\{\d+:([^}]*)\}/g, '$1')
    .replace(/\$\{\d+\|([^,|]*)[^}]*\}/g, '$1')
    .replace(/\$\d/g, '')
    .replace(/\\([\\$}])/g, '$1');
  return text.slice(0, range.offset) + plain + text.slice(range.offset + range.length);
}

describe('what may be written in a project file (R9.5)', () => {
  const file = (target: string, steps = ''): string =>
    `{ "target": { "volume": { "name": "v", "dataCenter": "US-MD-1" }, ${target} }, "steps": [${steps}] }`;

  it('GPUs with memory, price and stock, those in stock at the volume first, and none twice', async () => {
    const found = await at(file('"gpus": ["NVIDIA A40", "|"]'));
    assert.deepEqual(
      found.map(({ label, detail }) => `${label}: ${detail}`),
      ['NVIDIA L4: 24 GB · $0.39/h · low stock in US-MD-1', 'NVIDIA H200: 141 GB · $3.99/h · no stock in US-MD-1'],
    );
    assert.match(taken(file('"gpus": ["NVIDIA A40", "|"]'), found[0]!), /"gpus": \["NVIDIA A40", "NVIDIA L4"\]/);
    assert.deepEqual(labels(await at(file('"gpus": [|]'))), ['NVIDIA L4', 'NVIDIA A40', 'NVIDIA H200']);
    const profile = '{ "profiles": { "big": { "target": { "gpus": ["|"] } } } }';
    assert.deepEqual(labels(await at(profile)), ['NVIDIA L4', 'NVIDIA A40', 'NVIDIA H200']);
  });

  it('data centers in which a volume can be made, those with S3 first; images; requirements', async () => {
    const centers = await at('{ "target": { "volume": { "dataCenter": "|" } } }');
    assert.deepEqual(
      centers.map(({ label, detail }) => [label, detail]),
      [
        ['US-MD-1', 'S3 · Place of US-MD-1'],
        ['AP-JP-1', 'no S3 · Place of AP-JP-1'],
      ],
    );
    assert.deepEqual(
      labels(await at(file('"image": "|"'))),
      imageOffers.map(({ value }) => value),
    );
    assert.deepEqual(labels(await at(file('"requirements": "|"'))), ['requirements.txt', 'notes.txt']);
  });

  it('files of the folder by what runs them, and what earlier steps write by the name of the step', async () => {
    const steps = (last: string): string =>
      `{ "steps": [{ "name": "make", "outputs": ["d/made.parquet"] }, { "name": "use", "outputs": ["o/"], ${last} }] }`;
    assert.deepEqual(labels(await at(steps('"script": "|"'))), ['src/train.py', 'checks/gate.py']);
    assert.deepEqual(labels(await at(steps('"notebook": "|"'))), ['a.ipynb']);
    assert.deepEqual(labels(await at(steps('"module": "|"'))), ['src.train', 'checks.gate']);
    assert.deepEqual(labels(await at(steps('"gates": [{ "type": "script", "script": "|" }]'))), [
      'src/train.py',
      'checks/gate.py',
    ]);
    const [input] = await at(steps('"inputs": ["|"]'));
    assert.deepEqual([input?.label, input?.detail], ['d/made.parquet', 'written by step "make"']);
    const gates = await at(steps('"gates": [{ "type": "file", "path": "|" }]'));
    assert.deepEqual(labels(gates).slice(0, 2), ['o/', 'd/made.parquet']);
    assert.ok(labels(await at('{ "sync": { "must": ["|"] } }')).includes('src/'));
    assert.deepEqual(labels(await at('{ "onFinish": { "pod": "|" } }')), ['terminate', 'stop', 'keep']);
    assert.deepEqual(labels(await at('{ "target": { "sameGpu": | } }')), ['true', 'false']);
  });

  it('fields: of a gate its type first, then those that it needs, and none that is there', async () => {
    const empty = labels(await at('{ "steps": [{ "gates": [{ | }] }] }'));
    assert.equal(empty[0], 'type');
    const rows = labels(await at('{ "steps": [{ "gates": [{ "type": "rows", | }] }] }'));
    assert.deepEqual(rows, ['path', 'equals', 'min', 'max', 'timeoutMinutes', 'allowStale']);
    assert.deepEqual(labels(await at('{ "steps": [{ "gates": [{ "type": "|" }] }] }')).slice(0, 3), [
      'file',
      'rows',
      'distinct',
    ]);
    const top = await at('{ "version": 1, "|" }');
    assert.ok(!labels(top).includes('version') && labels(top).includes('steps'));
    const caps = top.find(({ label }) => label === 'caps')!;
    assert.equal(taken('{ "version": 1, "|" }', caps), '{ "version": 1, "caps": {  } }');
    const before = '{ "|" "name": "x" }';
    const version = (await at(before)).find(({ label }) => label === 'version')!;
    assert.equal(taken(before, version), '{ "version": 1, "name": "x" }');
    const renamed = '{ "nam|": "x" }';
    assert.equal(
      taken(
        renamed,
        (await at(renamed)).find(({ label }) => label === 'name')!,
      ),
      '{ "name": "x" }',
    );
  });

  it('a whole gate of each kind and a whole step of each kind, each as it may stand', async () => {
    const whole = (steps: string): string =>
      `{ "version": 1, "name": "x", "target": { "volume": { "name": "v" }, "gpus": ["g"], "image": "i" }, "steps": [${steps}] }`;
    const inGates = whole('{ "name": "one", "shell": "true", "gates": [|] }');
    const gates = await at(inGates);
    assert.equal(gates.length, gateTemplates.length);
    for (const proposal of gates) {
      const text = taken(inGates, proposal);
      assert.deepEqual(parseProject(text).problems, [], text);
      assert.match(proposal.insert, /^\{ "type": /);
    }
    const inSteps = whole('|');
    const steps = await at(inSteps);
    assert.equal(steps.length, stepTemplates.length);
    for (const proposal of steps) {
      assert.deepEqual(parseProject(taken(inSteps, proposal)).problems, [], proposal.label);
    }
    const between = whole('{ "name": "one", "shell": "true", "gates": [| { "type": "file", "path": "a" }] }');
    const [first] = await at(between);
    assert.deepEqual(parseProject(taken(between, first!)).problems, []);
  });

  it('nothing in a comment, and never an exception, wherever the cursor is', async () => {
    assert.deepEqual(await at('{ // "gpus": |\n "version": 1 }'), []);
    assert.deepEqual(await at('{ /* | */ "version": 1 }'), []);
    assert.notDeepEqual(await at('{ "$schema": "https://x", | }'), []);
    const text = file('"gpus": ["NVIDIA L4"], "image": "i" // x', '{ "name": "a", "gates": [{ "type": "rows" }] }');
    for (let i = 0; i <= text.length; i++) {
      await proposalsAt(text, i, sources);
      await proposalsAt(text.slice(0, i), i, sources);
      await hoverAt(text, i, sources);
    }
  });
});

describe('what a hover says (R9.5)', () => {
  const text =
    '{ "target": { "volume": { "dataCenter": "US-MD-1" }, "gpus": ["NVIDIA L4"], "image": "x" }, "onFinish": { "pod": "stop" }, "steps": [{ "gates": [{ "type": "rows", "min": 1 }] }] }';
  const said = async (part: string): Promise<string> => {
    const hover = await hoverAt(text, text.indexOf(part) + 2, sources);
    return hover?.parts.join('\n') ?? '';
  };

  it('of a GPU its memory, price and where it is in stock; of a data center whether it has S3', async () => {
    assert.match(await said('"NVIDIA L4"'), /24 GB.*\$0\.39\/h[^]*In stock now: US-MD-1, EU-RO-1/);
    assert.match(await said('"US-MD-1"'), /Files travel over S3[^]*for good/);
  });

  it('of a field what it means, what may stand there and what holds unless told; of a gate by its type', async () => {
    assert.match(await said('"image"'), /Container image/);
    assert.match(await said('"pod"'), /One of: `"terminate"`[^]*Unless told: `"terminate"`/);
    assert.equal(await said('"min"'), 'Smallest number of rows.');
  });
});
