import { posix } from 'node:path';

/** A file that a first project file runs, and what it seems to write. */
export interface EntryPoint {
  path: string;
  kind: 'script' | 'module' | 'notebook';
  /** The path or the name of the module. */
  run: string;
  /** A folder that has to be on PYTHONPATH for it. */
  pythonPath?: string;
  outputs: string[];
}

/** Beyond so many entry points only those whose names say what they are for are taken. */
const mostSteps = 8;

/** What of a folder is run, in the order of the work: preparing, exploring, training, judging. */
export function entryPoints(files: readonly string[], sources: ReadonlyMap<string, string>): EntryPoint[] {
  const lives = new Set(files);
  const imported = importedNames(sources);
  const isStep = (file: string): boolean =>
    isEntry(file, sources.get(file) ?? '') || isPlainScript(file, sources.get(file) ?? '', lives, imported);
  const found = files.filter((file) => !isHelper(file) && isStep(file));
  const named = found.filter((file) => stageOf(file) !== undefined);
  const chosen = found.length > mostSteps && named.length > 0 ? named : found;
  return inWorkOrder(chosen.slice(0, 20)).map((path) => entryOf(path, lives, sources.get(path) ?? ''));
}

function isHelper(path: string): boolean {
  return /(^|\/)(tests?|docs|examples)\/|(^|\/)(test_[^/]*|[^/]*_test|conftest|setup|noxfile)\.py$|(^|\/)\./.test(path);
}

function isEntry(path: string, source: string): boolean {
  const isMain = /(^|\/)(train|main)\.py$/.test(path) || /^if\s+__name__\s*==\s*['"]__main__['"]/m.test(source);
  return path.endsWith('.ipynb') || (path.endsWith('.py') && isMain);
}

/**
 * A file beside no `__init__.py` that is named after a stage of the work, does something when it is read, and that no other
 * file imports: a script without a main guard.
 */
function isPlainScript(
  path: string,
  source: string,
  files: ReadonlySet<string>,
  imported: ReadonlySet<string>,
): boolean {
  const name = posix.basename(path, '.py');
  return (
    path.endsWith('.py') &&
    stageOf(path) !== undefined &&
    !files.has(posix.join(posix.dirname(path), '__init__.py')) &&
    !imported.has(name) &&
    /^(?:[A-Za-z_][\w.]*\(|(?:for|while|with)\s)/m.test(source)
  );
}

/** Every name by which some file imports another: of `from a.b import c` each of the three. */
function importedNames(sources: ReadonlyMap<string, string>): Set<string> {
  const lines = [...sources].flatMap(([path, source]) => {
    const text = path.endsWith('.ipynb') ? codeOf(source) : source;
    return [...text.matchAll(/^\s*(?:from\s+\S+\s+)?import\s.*/gm)].map(([line]) => line);
  });
  return new Set(lines.flatMap((line) => line.match(/\w+/g) ?? []));
}

const stages: readonly RegExp[] = [
  /prep|download|fetch|extract|ingest|collect|convert|clean|tokeni[sz]e|split|build_?data|make_?data|(^|_)data(set)?($|_)/,
  /explor|eda|inspect|embed|feature/,
  /train|fit|tune|main|pretrain/,
  /eval|test|judge|predict|infer|report|export|plot|score|publish/,
];

/** Where in the work a file stands by the words of its name; undefined where they tell nothing. */
function stageOf(path: string): number | undefined {
  const name = posix
    .basename(path)
    .replace(/\.\w+$/, '')
    .replaceAll('-', '_')
    .toLowerCase();
  const stage = stages.findLastIndex((words) => words.test(name));
  // `prepare_training` prepares: the first word says more.
  const first = stages.findIndex((words) => words.test(name.split('_').find((word) => !/^\d*$/.test(word)) ?? ''));
  const best = first === -1 ? stage : first;
  return best === -1 ? undefined : best;
}

/** By stage, and within one as a person counts. Numbered files keep the order of their numbers whatever they are called. */
function inWorkOrder(paths: readonly string[]): string[] {
  const counted = paths.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const reached = new Map<string, number>();
  const ranked = counted.map((path) => {
    const own = stageOf(path) ?? (path.endsWith('.ipynb') ? 1 : 0);
    if (!/^\D{0,12}?\d/.test(posix.basename(path))) {
      return { path, stage: own };
    }
    const series = `${posix.dirname(path)} ${posix.extname(path)}`;
    const stage = Math.max(own, reached.get(series) ?? 0);
    reached.set(series, stage);
    return { path, stage };
  });
  return ranked.toSorted((a, b) => a.stage - b.stage).map(({ path }) => path);
}

/** A file of a package runs as a module of it, so that its own imports are found. */
function entryOf(path: string, files: ReadonlySet<string>, source: string): EntryPoint {
  const outputs = writtenBy(path.endsWith('.ipynb') ? codeOf(source) : source);
  if (path.endsWith('.ipynb')) {
    return { path, kind: 'notebook', run: path, outputs };
  }
  const folder = posix.dirname(path);
  const isInPackage = folder !== '.' && files.has(`${folder}/__init__.py`);
  if (!isInPackage) {
    return { path, kind: 'script', run: path, outputs };
  }
  let top = folder;
  while (files.has(`${posix.dirname(top)}/__init__.py`)) {
    top = posix.dirname(top);
  }
  const base = posix.dirname(top);
  const module = posix
    .relative(base, path)
    .replace(/(\/__main__)?\.py$/, '')
    .replaceAll('/', '.');
  const isName = /^[A-Za-z_][\w.]*$/.test(module);
  return isName
    ? { path, kind: 'module', run: module, ...(base === '.' ? {} : { pythonPath: base }), outputs }
    : { path, kind: 'script', run: path, outputs };
}

function codeOf(notebook: string): string {
  try {
    const { cells = [] } = JSON.parse(notebook) as { cells?: { cell_type?: string; source?: string | string[] }[] };
    return cells
      .filter((cell) => cell.cell_type === 'code')
      .map(({ source = '' }) => (Array.isArray(source) ? source.join('') : source))
      .join('\n');
  } catch {
    return '';
  }
}

const writes =
  /(?:\bopen\(\s*|Path\(\s*|\.(?:to_parquet|to_csv|to_json|write_parquet|savefig|save_pretrained|save)\(\s*|\b(?:save|savez|savez_compressed|save_file|dump|write_table|write_csv|write_feather)\([^\n]{1,80}?,\s*)f?(['"])([\w./-]+)\1\s*([^\n]*)/g;

/** Files that the code writes by a literal name. */
function writtenBy(source: string): string[] {
  const found = [...source.matchAll(writes)].flatMap(([whole, , path = '', rest = '']) => {
    const isRead = /^\bopen\(/.test(whole) && !/^,\s*(mode\s*=\s*)?['"][wax]/.test(rest);
    const isPath = whole.startsWith('Path(') && !/^\)\s*\.write_(text|bytes)\(/.test(rest);
    const isInside = !path.startsWith('/') && !path.split('/').includes('..') && /\.\w+$/.test(path);
    return isRead || isPath || !isInside ? [] : [path.replace(/^\.\//, '')];
  });
  return [...new Set(found)].slice(0, 3);
}
