import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCheck } from '../../src/core/guards/preflight/check.ts';
import { requirements } from '../../src/core/guards/preflight/checks/requirements.ts';
import { readPython } from '../../src/core/guards/preflight/python.ts';
import { askPython, cacheOf, ComparedFacts, Counts, distinct, filesIn, filesOf, installation } from './sources.ts';

const names = String.raw`(^|/)[^/]*(requirement|constraint)[^/]*\.(txt|in|pip)$|(^|/)requirements/([^/]+/)*[^/]*\.(txt|in|pip)$`;

/** Source packages that hold many requirements files, of others too; some are there to try readers with. */
const packages = [
  'aiohttp',
  'ansible',
  'ansible-core',
  'celery',
  'deptry',
  'django',
  'flask',
  'kombu',
  'numpy',
  'pip-requirements-parser',
  'pip-tools',
  'pyinstaller',
  'requirements-parser',
  'salt',
  'werkzeug',
];

/** Compares the check's verdict on requirements files with what pip makes of them. */
export async function compareRequirements(folders: readonly string[]): Promise<boolean> {
  const own = (await Promise.all(folders.map((folder) => filesIn(path.resolve(folder), names)))).flat();
  const installed = await filesIn(await dependencies(), names);
  const files = await distinct([...(await filesOf('requirements', names, packages)), ...installed, ...own]);
  const isSound = [await compare('requirements files', files)];
  // The same files as editors of Windows save them.
  const saved = await asWindows(files);
  isSound.push(await compare('the same as UTF-16 with its mark', saved));
  return isSound.every(Boolean);
}

/** What the packages of this environment ask for, as files. */
async function dependencies(): Promise<string> {
  const folder = cacheOf('dependencies');
  await rm(folder, { recursive: true, force: true });
  for (const [name, lines] of (await askPython('dependencies.py', [], [])) as [string, string[]][]) {
    await mkdir(path.join(folder, name), { recursive: true });
    await writeFile(path.join(folder, name, 'requirements.txt'), lines.map((line) => `${line}\n`).join(''));
  }
  return folder;
}

async function compare(what: string, files: [string, string][]): Promise<boolean> {
  const roots = new Map<string, string[]>();
  for (const [root, file] of files) {
    roots.set(root, [...(roots.get(root) ?? []), file]);
  }
  const asked = files.map((file) => JSON.stringify(file));
  const real = (await askPython('real_requirements.py', [], asked)) as [string, string, string | null][];
  const said = new Map(real.map(([root, file, words]) => [`${root}\0${file}`, words]));
  const counts = new Counts();
  for (const [root, own] of roots) {
    const signal = AbortSignal.timeout(300_000);
    const python = await readPython(installation, root, { entries: [], requirements: own }, signal);
    for (const file of own) {
      const facts = new ComparedFacts(
        root,
        { target: { requirements: file }, steps: [{ name: 's', shell: 'true' }] },
        python,
      );
      const { findings, unknown } = await runCheck(requirements, facts);
      const error = findings.find((f) => f.severity === 'error');
      if (unknown.length > 0) {
        counts.unchecked += 1;
        continue;
      }
      const fails = said.get(`${root}\0${file}`) ?? undefined;
      counts.add(path.join(root, file), error?.what, fails, findings.length > 0);
    }
  }
  const failing = real.filter(([, , words]) => words !== null).length;
  print([...counts.lines(what), `  (pip refuses ${failing} of them)`]);
  return counts.isSound && real.length === files.length;
}

/** Copies whose text is UTF-16 with a mark; what they include stays as it is. */
async function asWindows(files: [string, string][]): Promise<[string, string][]> {
  const folder = cacheOf('windows');
  await rm(folder, { recursive: true, force: true });
  const copies: [string, string][] = [];
  for (const [root, file] of files) {
    const target = path.join(folder, path.basename(root));
    const text = (await readFile(path.join(root, file))).toString('utf8');
    await mkdir(path.dirname(path.join(target, file)), { recursive: true });
    await writeFile(path.join(target, file), `\ufeff${text.replace(/\r?\n/g, '\r\n')}`, 'utf16le');
    copies.push([target, file]);
  }
  return copies;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
