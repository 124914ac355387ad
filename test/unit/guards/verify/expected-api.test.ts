import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compareApi, expectedApi } from '../../../../src/core/guards/verify/expected-api.ts';
import { perMinuteOf } from '../../../../src/core/guards/verify/free-questions.ts';

interface Doc {
  paths: Record<string, Record<string, unknown>>;
  components: { schemas: Record<string, { required?: string[]; properties?: Record<string, unknown> }> };
}

const file = path.join(import.meta.dirname, '..', '..', '..', 'contract', 'openapi', 'runpod-v2.json');
const published = (): Doc => JSON.parse(readFileSync(file, 'utf8')) as Doc;

describe('comparison with the published API', () => {
  it('finds everything that is used in the document of RunPod', () => {
    const { operations, ...differences } = compareApi(published()) ?? assert.fail('no document');
    assert.deepEqual(differences, { missing: [], unknownFields: [], newlyRequired: [] });
    assert.ok(operations >= expectedApi.length);
  });

  it('names a route that is gone, a field that is gone and a field that is newly required', () => {
    const changed = published();
    delete changed.paths['/v2/billing/pods'];
    const volume = changed.components.schemas.CreateNetworkVolumeRequest;
    assert.ok(volume?.properties !== undefined);
    delete volume.properties.size;
    volume.required = [...(volume.required ?? []).filter((f) => f !== 'size'), 'project'];
    const compared = compareApi(changed);
    assert.deepEqual(compared?.missing, ['GET /billing/pods']);
    assert.deepEqual(compared.unknownFields, ['POST /network-volumes: size']);
    assert.deepEqual(compared.newlyRequired, ['POST /network-volumes: project']);
  });

  it('does not mind names of path parameters, and does not end in a schema that refers to itself', () => {
    const changed = published();
    changed.paths['/v2/pods/{podId}'] = changed.paths['/v2/pods/{id}'] ?? {};
    delete changed.paths['/v2/pods/{id}'];
    Object.assign(changed.components.schemas, {
      PodActionRequest: { allOf: [{ $ref: '#/components/schemas/PodActionRequest' }], properties: { action: {} } },
    });
    assert.deepEqual(compareApi(changed)?.missing, []);
  });

  it('takes nothing else for a document', () => {
    for (const other of [undefined, null, [], 'x', { paths: 1 }, { title: 'Not Found' }]) {
      assert.equal(compareApi(other), undefined);
    }
  });
});

describe('rate limit policy', () => {
  it('reads the quota of a minute wherever it stands', () => {
    assert.equal(perMinuteOf('"minute";q=180;w=60,"hour";q=3000;w=3600'), 180);
    assert.equal(perMinuteOf('"hour";q=3000;w=3600, "minute"; w=60; q=60'), 60);
    assert.equal(perMinuteOf('"hour";q=3000;w=3600'), undefined);
    assert.equal(perMinuteOf('nonsense'), undefined);
  });
});
