import assert from 'node:assert/strict';
import { isAsPut, judge, type FarFile } from '../../../../src/core/transport/s3/compare.ts';
import type { ManifestEntry } from '../../../../src/core/transport/s3/manifest.ts';

const mtime = '2026-11-01T10:00:00.400Z';
const file = { path: 'a', size: 3, sha256: 'x' };
const put: ManifestEntry = { size: 3, sha256: 'x', mtime };
const older: ManifestEntry = { size: 2, sha256: 'y', mtime };
const far = (size: number, modified = '2026-11-01T10:00:00.000Z'): FarFile => ({ size, modified: new Date(modified) });

describe('comparing a file with the manifest and the volume (R2.6)', () => {
  const verdict = (entry: ManifestEntry | undefined, there: FarFile | undefined, begun: string[] = []): string => {
    const result = judge(file, new Map(entry && [['a', entry]]), there, new Set(begun));
    return typeof result === 'string' ? result : result.kind;
  };

  it('knows what is unchanged, what is to be sent and what changed at the far end', () => {
    const later = '2026-11-01T10:00:05.000Z';
    assert.equal(verdict(put, far(3)), 'unchanged');
    assert.equal(verdict(put, far(3, later)), 'unchanged');
    assert.equal(verdict(put, undefined), 'send');
    assert.equal(verdict(undefined, undefined), 'send');
    assert.equal(verdict(older, far(2)), 'send');
    assert.equal(verdict(older, far(2, later)), 'both');
    assert.equal(verdict(older, far(9)), 'both');
    assert.equal(verdict(put, far(9)), 'far');
    assert.equal(verdict(undefined, far(3)), 'unknown');
    assert.equal(verdict(undefined, far(3), ['a']), 'send');
  });

  it('compares times in the whole seconds that answers have', () => {
    assert.equal(isAsPut(put, far(3)), true);
    assert.equal(isAsPut(put, far(3, '2026-11-01T10:00:02.000Z')), false);
    assert.equal(isAsPut(put, { size: 3, modified: undefined }), false);
  });
});
