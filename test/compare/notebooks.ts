import path from 'node:path';
import { runCheck } from '../../src/core/guards/preflight/check.ts';
import { code } from '../../src/core/guards/preflight/checks/code.ts';
import { notebooks } from '../../src/core/guards/preflight/checks/notebooks.ts';
import { stepFiles } from '../../src/core/guards/preflight/checks/step-files.ts';
import { askPython, ComparedFacts, Counts, distinct, filesIn, filesOf, workerFile, workerSources } from './sources.ts';

const names = String.raw`\.ipynb$`;
const packages = ['nbformat', 'nbclient', 'papermill'];

interface Real {
  path: string;
  /** Why the worker does not read it. */
  read: string | null;
  /** Cells that IPython does not compile. */
  wrong: string[];
  /** How the run ended; null when it passed. */
  run: string | null;
}

/** Compares the checks' verdict on notebooks with IPython's compiler and with a run of each by the worker. */
export async function compareNotebooks(folders: readonly string[]): Promise<boolean> {
  const own = (await Promise.all(folders.map((folder) => filesIn(path.resolve(folder), names)))).flat();
  const files = await distinct([...(await filesOf('notebooks', names, packages)), ...own]);
  const paths = files.map(([root, file]) => path.join(root, file));
  const real = (await askPython('real_notebooks.py', [workerFile, workerSources], paths)) as Real[];
  const counts = new Counts();
  let passed = 0;
  let otherwise = 0;
  for (const [n, [root, file]] of files.entries()) {
    const facts = new ComparedFacts(root, { steps: [{ name: 's', notebook: file }] });
    const reports = await Promise.all([stepFiles, notebooks, code].map((check) => runCheck(check, facts)));
    const findings = reports.flatMap((r) => r.findings);
    if (reports.some((r) => r.unknown.length > 0)) {
      counts.unchecked += 1;
    }
    const { read, wrong, run } = real[n] ?? { read: 'no answer', wrong: [], run: null };
    const isSyntax = run !== null && /: (SyntaxError|IndentationError|TabError):|Line magic function `%%/.test(run);
    const fails = read ?? wrong[0] ?? (isSyntax ? run : null) ?? undefined;
    passed += run === null ? 1 : 0;
    otherwise += run !== null && fails === undefined ? 1 : 0;
    const error = findings.find((f) => f.severity === 'error');
    counts.add(path.join(root, file), error?.what, fails, false);
    if (error !== undefined && run === null) {
      counts.falseRefusals.push(`${path.join(root, file)}: its run passed`);
    }
  }
  const cells = `${passed} runs passed, ${otherwise} failed for what only a run shows (a missing package, a planted error)`;
  process.stdout.write(`${[...counts.lines('notebooks'), `  (${cells})`].join('\n')}\n`);
  return counts.isSound && real.length === files.length;
}
