import type { Check } from '../check.ts';
import { unknownBecause } from '../memo.ts';
import { BrokenParquet } from '../parquet.ts';

export const parquet: Check = {
  id: 'parquet',
  title: 'Parquet files',
  run: async (facts, say) => {
    const { files } = facts.rentsPod ? await facts.scan() : { files: [] };
    const local = new Set(
      facts.steps('local').flatMap(({ step }) => step.gates.flatMap((g) => ('path' in g ? [g.path] : []))),
    );
    const all = [...files, ...(await facts.stepFiles()).filter((f) => local.has(f.path))];
    const paths = [...new Set(all.filter((f) => f.path.endsWith('.parquet') && f.size > 0).map((f) => f.path))];
    await Promise.all(
      paths.map(async (path) => {
        try {
          await facts.parquet(path);
        } catch (error) {
          if (!(error instanceof BrokenParquet)) {
            say.unknown(`${path}: ${unknownBecause(error)}`);
            return;
          }
          const maker = facts.localMaker(path);
          const listed = facts.project.sync.data.indexOf(path);
          say.error('parquet-broken', {
            what: `${path} is damaged: ${error.message}.`,
            why: 'No step can read it.',
            next:
              maker === undefined ? 'Make or download it again.' : `Delete it; the step ${maker.name} makes it again.`,
            at: listed === -1 ? facts.place('sync') : facts.place('sync', 'data', listed),
          });
        }
      }),
    );
  },
};
