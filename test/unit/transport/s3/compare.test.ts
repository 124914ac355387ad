import assert from 'node:assert/strict';
import { isAsPut, mustBeRead, type FarFile, type PutFile } from '../../../../src/core/transport/far-file.ts';
import { judge } from '../../../../src/core/transport/s3/compare.ts';

const mtime = '2026-11-01T10:00:00.400Z';
const file = { path: 'a', size: 3, sha256: 'x' };
const put: PutFile = { size: 3, sha256: 'x', mtime };
const older: PutFile = { size: 2, sha256: 'y', mtime };
const far = (size: number, modified = '2026-11-01T10:00:00.000Z', sha256?: string): FarFile => ({
  size,
  mtime: modified,
  sha256,
});

describe('comparing a file with the manifest and the volume (R2.6)', () => {
  const verdict = (entry: PutFile | undefined, there: FarFile | undefined, begun: string[] = []): string => {
    const result = judge(file, new Map(entry && [['a', entry]]), there, new Set(begun));
    return typeof result === 'string' ? result : result.kind;
  };

  it('knows what is unchanged, what is to be sent and what changed at the far end', () => {
    const later = '2026-11-01T10:00:05.000Z';
    assert.equal(verdict(put, far(3)), 'unchanged');
    assert.equal(verdict(put, far(3, later)), 'far', 'of another time and not read');
    assert.equal(verdict(put, far(3, later, 'x')), 'unchanged');
    assert.equal(verdict(put, far(3, later, 'z')), 'far');
    assert.equal(verdict(older, far(2, later, 'y')), 'send');
    assert.equal(verdict(older, far(3, later, 'x')), 'unchanged', 'changed alike on both sides');
    assert.equal(verdict(undefined, far(3, later, 'x')), 'unchanged');
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
    assert.equal(isAsPut(put, { size: 3, mtime: '' }), false);
  });

  it('reads only where the content decides', () => {
    const later = '2026-11-01T10:00:05.000Z';
    const cases: [PutFile | undefined, FarFile, boolean][] = [
      [put, far(3), false],
      [put, far(3, later), true],
      [put, far(3, later, 'x'), false],
      [put, far(9, later), false],
      [older, far(2, later), true],
      [undefined, far(3), true],
      [undefined, far(9), false],
      [put, { size: 3, mtime: '' }, true],
    ];
    for (const [entry, there, wanted] of cases) {
      assert.equal(mustBeRead(file, entry, there), wanted, JSON.stringify([entry, there]));
    }
    assert.equal(mustBeRead(undefined, put, far(3, later)), true);
  });
});
