import assert from 'node:assert/strict';
import { podJson, volumeJson } from '../unit/runpod/api-server.ts';
import { applyOverlay, baseDocument, ContractValidator, overlay } from './validator.ts';

const none = new URLSearchParams();

describe('contract validator', () => {
  const contract = new ContractValidator();
  const saved = new ContractValidator(applyOverlay(baseDocument, []));
  const pod = { name: 'a', image: 'b', gpu: { id: 'NVIDIA L4', count: 1 } };

  it('accepts valid requests and answers', () => {
    assert.deepEqual(contract.validateRequest('POST', '/v2/pods', none, pod), []);
    assert.deepEqual(contract.validateResponse('POST', '/v2/pods', 201, podJson()), []);
    assert.deepEqual(contract.validateResponse('DELETE', '/v2/pods/x', 204, undefined), []);
    assert.deepEqual(contract.validateResponse('GET', '/v2/network-volumes/v', 200, volumeJson), []);
  });

  it('refuses unknown body fields on every level, as the platform does', () => {
    for (const body of [
      { ...pod, dataCenterId: 'EU-RO-1' },
      { ...pod, gpu: { id: 'NVIDIA L4', spot: true } },
      { ...pod, mounts: { network: [{ volumeId: 'v', path: '/w', readOnly: true }] } },
    ]) {
      assert.notDeepEqual(contract.validateRequest('POST', '/v2/pods', none, body), [], JSON.stringify(body));
    }
  });

  it('refuses wrong values, unknown queries, routes, statuses and content types', () => {
    const volume = { name: 'a', size: 9, dataCenter: 'EU-RO-1' };
    const refused = [
      contract.validateRequest('POST', '/v2/network-volumes', none, volume),
      contract.validateRequest('POST', '/v2/pods', none, undefined),
      contract.validateRequest('GET', '/v2/pods', none, {}),
      contract.validateRequest('GET', '/v2/pods', new URLSearchParams('status=RUNNING'), undefined),
      contract.validateRequest('GET', '/v2/pods', new URLSearchParams('limit=1001'), undefined),
      contract.validateRequest('GET', '/v2/catalog/datacenters', new URLSearchParams('include=GPUS'), undefined),
      contract.validateRequest('GET', '/v2/nothing', none, undefined),
      contract.validateResponse('GET', '/v2/pods/x', 200, podJson({ cost: 'free' })),
      contract.validateResponse('GET', '/v2/pods', 202, { pods: [] }),
      contract.validateResponse('GET', '/v2/pods', 500, { error: 'oops' }),
      contract.validateResponse('DELETE', '/v2/pods/x', 204, '{}'),
      contract.validateResponse('GET', '/v2/pods', 200, { pods: [] }, 'text/html'),
    ];
    for (const [index, problems] of refused.entries()) {
      assert.notDeepEqual(problems, [], `case ${index}`);
    }
  });

  it('needs every overlay entry: the saved document alone differs, and each entry says why it is there', () => {
    for (const entry of overlay) {
      assert.ok(entry.why.length > 20);
      assert.ok((entry.add?.length ?? 0) + (entry.replace?.length ?? 0) > 0);
    }
    const newer = { ...pod, cmd: ['/start.sh'], gpu: { id: 'NVIDIA L4', count: 1, minRamPerGpu: 24 } };
    assert.notDeepEqual(saved.validateRequest('POST', '/v2/pods', none, newer), []);
    assert.deepEqual(contract.validateRequest('POST', '/v2/pods', none, newer), []);
    assert.throws(() => applyOverlay(applyOverlay(baseDocument, overlay), overlay.slice(1)), /exists/);
    assert.throws(
      () => applyOverlay(baseDocument, [{ why: '', replace: [{ path: '/nothing', value: 1 }] }]),
      /not there/,
    );
  });

  it('holds no prose', () => {
    const text = JSON.stringify(baseDocument);
    assert.doesNotMatch(text, /"(description|summary|example|examples)":|"x-/);
  });
});
