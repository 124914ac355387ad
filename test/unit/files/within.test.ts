import assert from 'node:assert/strict';
import path from 'node:path';
import { isWithin } from '../../../src/core/files/within.ts';

describe('whether a place lies within a folder', () => {
  it('goes by whole names', () => {
    const within = (folder: string, place: string): boolean => isWithin(folder, place, path.posix);
    assert.deepEqual(
      ['/p/proj', '/p/proj/', '/p/proj/a', '/p/proj/..a'].map((place) => within('/p/proj', place)),
      [true, true, true, true],
    );
    assert.deepEqual(
      ['/p/proj2', '/p', '/', '/p/proj/../other', '/q/proj'].map((place) => within('/p/proj', place)),
      [false, false, false, false, false],
    );
    assert.equal(within('/', '/p'), true);
  });

  it('knows that Windows has drives, and no case', () => {
    const within = (folder: string, place: string): boolean => isWithin(folder, place, path.win32);
    assert.equal(within('c:\\p\\Proj', 'C:\\P\\proj\\a'), true);
    assert.equal(within('c:\\p', 'd:\\p'), false);
  });
});
