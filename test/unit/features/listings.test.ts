import assert from 'node:assert/strict';
import { Listings, type Listing } from '../../../src/features/volumes/listings.ts';

/** A folder in which a job writes: it is another one at every look. */
function growing(everyMs: number) {
  let looks = 0;
  let redraws = 0;
  const ask = async (): Promise<Listing> => {
    looks += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { entries: [{ name: 'log', kind: 'file', size: looks, modified: looks }], more: 0 };
  };
  // A view that is told that something differs asks for it again.
  const changed = (): void => {
    redraws += 1;
    void listings.of('v', 'jobs').catch(() => undefined);
  };
  const listings: Listings = new Listings(ask, changed, () => everyMs);
  return { listings, looks: () => looks, redraws: () => redraws };
}

const sizeOf = ({ entries }: Listing): number | undefined => entries[0]?.size;

describe('folders of a volume as they were seen (R9.1)', () => {
  it('are asked for once an interval, however often a file in them grows', async () => {
    const { listings, looks, redraws } = growing(150);
    await listings.of('v', 'jobs');
    const end = performance.now() + 700;
    while (performance.now() < end) {
      await listings.of('v', 'jobs');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(looks() >= 3 && looks() <= 6, `${looks()} looks in 700 ms`);
    assert.ok(redraws() < looks(), `${redraws()} redraws`);
  });

  it('are asked for at once when somebody changed something, and by many at a time once', async () => {
    const { listings, looks } = growing(60_000);
    const [first] = await Promise.all([listings.of('v', 'jobs'), listings.of('v', 'jobs')]);
    assert.deepEqual([looks(), sizeOf(first)], [1, 1]);
    listings.expire();
    await listings.of('v', 'jobs');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([looks(), sizeOf(await listings.of('v', 'jobs'))], [2, 2]);
  });

  it('are not what was asked for before the change', async () => {
    const answers: ((listing: Listing) => void)[] = [];
    const listings = new Listings(
      () => new Promise((resolve) => answers.push(resolve)),
      () => undefined,
      () => 60_000,
    );
    const before = listings.of('v', '');
    listings.expire();
    const after = listings.of('v', '');
    answers[1]?.({ entries: [], more: 7 });
    await after;
    answers[0]?.({ entries: [], more: 0 });
    await before;
    assert.equal((await listings.of('v', '')).more, 7);
  });
});
