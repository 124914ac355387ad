import assert from 'node:assert/strict';
import { fuzz } from '../fuzz/fuzz.ts';
import { kinds } from '../fuzz/kinds.ts';

describe('mutated files, a sample of `npm run fuzz` (R9.5, R9.7)', function () {
  this.timeout(60_000);

  for (const kind of Object.keys(kinds)) {
    it(`${kind}: read, or refused with the place; no crash, no hang`, async () => {
      const { cases, refused, placeless, crashes, hangs } = await fuzz({ kind, seed: 90_000, cases: 300 });
      assert.deepEqual([crashes, hangs], [[], []]);
      assert.equal(cases, 300);
      assert.ok(refused > 50, `${refused} refused`);
      assert.ok(placeless.length <= 3, placeless.join('\n'));
    });
  }
});
