// `npm run fuzz -- [cases] [seed] [kind …]`: mutated project files, notebooks, requirement files and messages of panels.
// Each gives a result or an error that names its place, at most 1 % without; none crashes or hangs.
import { fuzz } from './fuzz.ts';
import { kinds } from './kinds.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const [cases = '10000', seed = '1', ...wanted] = process.argv.slice(2);
let good = true;
for (const kind of wanted.length > 0 ? wanted : Object.keys(kinds)) {
  const counts = await fuzz({ kind, seed: Number(seed), cases: Number(cases) });
  const { placeless, crashes, hangs } = counts;
  for (const text of [...crashes.slice(0, 10), ...hangs, ...placeless.slice(0, 10)]) {
    say(`  ${text}`);
  }
  say(
    `${kind}: ${counts.cases} files, ${counts.sound} read, ${counts.refused} refused, ${placeless.length} of them without a place, ` +
      `${crashes.length} crashes, ${hangs.length} hangs`,
  );
  good &&=
    counts.cases === Number(cases) && crashes.length + hangs.length === 0 && placeless.length <= counts.cases / 100;
}
process.exitCode = good ? 0 : 1;
