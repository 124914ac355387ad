import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Installation } from '../../home/installation.ts';
import { own } from '../../json.ts';
import type { LoadedProject } from '../../project/load.ts';
import { applyProfile } from '../../project/profile.ts';
import type { Project, Side, Step } from '../../project/schema.ts';
import { scan, type LocalFile, type ScanResult } from '../../files/scan.ts';
import { findSecrets, type SecretSearch } from '../../files/secrets.ts';
import { scanProject, secretSearchOf } from '../../files/to-upload.ts';
import { AccountFacts } from './account-facts.ts';
import { readImage, type ImageFacts } from './image.ts';
import { Memo } from './memo.ts';
import { readNotebook, type Notebook } from '../../project/notebook.ts';
import { names } from './overlap.ts';
import { readFooter, type ParquetFile } from './parquet.ts';
import { readPython, type Entry, type PythonFacts, type Requirements } from './python.ts';

/** What the caller knows and preflight cannot find out by itself. */
export interface PreflightOptions {
  profile?: string | undefined;
  /** Looks a secret up by its name; without it secrets are not checked. */
  secret?: ((name: string) => string | undefined | Promise<string | undefined>) | undefined;
  /** Expected cost of the run in USD, and the time of its pod in seconds; null where nobody can say. */
  estimate?: { likely: number | null; seconds: { likely: number | null } } | undefined;
  /** Use of the volume by the last `du` in bytes, and when that was (ISO time). */
  volumeUse?: { bytes: number; time: string } | undefined;
  /** Whether S3 keys are known; undefined when nobody has looked. */
  s3Keys?: boolean | undefined;
  /** Milliseconds since 1970, for tests of the clock. */
  now?: (() => number) | undefined;
  signal?: AbortSignal | undefined;
}

const fileLimitMs = 10_000;
/** A Python that starts from a cold disk reads large sources. */
const codeLimitMs = 60_000;
/** Long logs and sources take their time the first time. */
const searchLimitMs = 120_000;

/** Everything that checks look at, each thing fetched once and only when a check asks for it. */
export class Facts {
  readonly installation: Installation;
  /** The project with its profile applied. */
  readonly project: Project;
  /** Path of the project file. */
  readonly projectFile: string;
  readonly root: string;
  readonly text: string;
  readonly options: PreflightOptions;
  readonly account: AccountFacts;
  readonly signal: AbortSignal | undefined;
  readonly #file: Project;
  readonly #memo: Memo;

  constructor(installation: Installation, loaded: LoadedProject, options: PreflightOptions) {
    this.installation = installation;
    this.project = applyProfile(loaded.project, options.profile);
    this.#file = loaded.project;
    this.projectFile = loaded.file;
    this.root = loaded.root;
    this.text = loaded.text;
    this.options = options;
    this.signal = options.signal;
    this.#memo = new Memo(options.signal);
    this.account = new AccountFacts(this.#memo, installation, this.project.target, options.now ?? Date.now);
  }

  /** Where a value stands in the project file, also when the profile sets it. */
  place(...path: (string | number)[]): (string | number)[] {
    return placeIn(this.#file, this.options.profile, path);
  }

  get image(): ImageFacts | undefined {
    return readImage(this.project.target.image);
  }

  /** Steps of one side with their index in the project. */
  steps(side?: Side): { step: Step; index: number }[] {
    return this.project.steps
      .map((step, index) => ({ step, index }))
      .filter(({ step }) => side === undefined || step.where === side);
  }

  get rentsPod(): boolean {
    return this.project.steps.some((s) => s.where === 'pod');
  }

  /** What would be uploaded now, and what is missing. */
  scan(): Promise<ScanResult> {
    return this.#memo.get('The list of files', fileLimitMs, (signal) => scanProject(this, signal));
  }

  /** Secrets in what would be uploaded now. */
  async secretsInFiles(): Promise<SecretSearch> {
    const { files, archives } = await this.scan();
    const all = [...files, ...archives.flatMap((archive) => archive.files)];
    return this.#memo.get('The search for secrets', searchLimitMs, (signal) =>
      findSecrets(all, { ...secretSearchOf({ root: this.root, project: this.project }), signal }),
    );
  }

  /** Files on this machine that steps name as inputs or outputs or in gates. */
  async stepFiles(): Promise<LocalFile[]> {
    const { files } = await this.#memo.get('The files of the steps', fileLimitMs, (signal) => {
      const all = this.project.steps.flatMap((s) => [
        ...(s.inputs ?? []),
        ...(s.outputs ?? []),
        ...s.gates.flatMap((g) => ('path' in g ? [g.path] : [])),
      ]);
      return scan(this.root, { must: [...new Set(all)], data: [], optional: [], never: [] }, { signal });
    });
    return files;
  }

  /** Whether a file would be on the volume after the upload. */
  async isUploaded(path: string): Promise<boolean> {
    const { files } = await this.scan();
    return files.some((f) => f.path === path);
  }

  /** The local step that makes a file, if any. */
  localMaker(path: string): Step | undefined {
    return this.steps('local').find(({ step }) => (step.outputs ?? []).some((o) => names(o, path)))?.step;
  }

  parquet(path: string): Promise<ParquetFile> {
    return this.#memo.get(`The footer of ${path}`, fileLimitMs, () => readFooter(join(this.root, path)));
  }

  /** Rejects when the file is missing or broken. */
  notebook(path: string): Promise<Notebook> {
    return this.#memo.get(`The notebook ${path}`, fileLimitMs, () => readNotebook(this.root, path));
  }

  /** Undefined without a requirements file in the project or on disk; with what it includes. */
  async requirements(): Promise<Requirements | undefined> {
    const file = this.project.target.requirements;
    return file === undefined ? undefined : ((await this.python()).requirements[file] ?? undefined);
  }

  /** What one Python process of this machine reads from all code at once; nothing of it is run. */
  python(): Promise<PythonFacts> {
    return this.#memo.get('Reading the code', codeLimitMs, async (signal) =>
      readPython(
        this.installation,
        this.root,
        {
          entries: await this.#entries(),
          requirements: [this.project.target.requirements].filter((file) => file !== undefined),
          variables: this.project.env,
        },
        signal,
      ),
    );
  }

  async #entries(): Promise<Entry[]> {
    const all = await Promise.all(
      this.project.steps.flatMap((step) => {
        const gates = step.gates.flatMap((g) => (g.type === 'script' ? [g.script] : []));
        return [
          this.#entry(step),
          ...gates.map((script) => Promise.resolve(this.#script(`${step.name}/${script}`, script))),
        ];
      }),
    );
    return all.filter((e) => e !== undefined);
  }

  async #entry(step: Step): Promise<Entry | undefined> {
    const dirs = ['', ...this.#pythonPath(step)];
    if (step.module !== undefined) {
      return this.#module(step.name, step.module, dirs, step.args);
    }
    if (step.script !== undefined) {
      return this.#script(step.name, step.script, dirs, step.args);
    }
    if (step.shell !== undefined) {
      return { id: step.name, kind: 'shell', dirs, units: [{ name: shellName(step), source: step.shell }] };
    }
    const notebook = await this.notebook(step.notebook ?? '').catch(() => undefined);
    if (notebook === undefined) {
      return undefined;
    }
    const tagged = notebook.cells.find((c) => c.tags.includes('parameters'));
    return {
      id: step.name,
      kind: 'notebook',
      dirs: [...dirs, posix.dirname(notebook.path)],
      units: notebook.cells
        .filter((c) => !c.tags.includes('skip-execution'))
        .map((c) => ({
          name: cellName(notebook.path, c.cell),
          source: c.source,
          sure: !c.tags.includes('raises-exception'),
        })),
      parameters: Object.keys(step.parameters ?? {}),
      tagged: tagged && cellName(notebook.path, tagged.cell),
    };
  }

  /** Folders of the project that the step's own PYTHONPATH adds. */
  #pythonPath(step: Step): string[] {
    const value = step.env?.PYTHONPATH ?? this.project.env.PYTHONPATH ?? '';
    return value
      .split(':')
      .filter((folder) => folder !== '' && !posix.isAbsolute(folder))
      .map((folder) => posix.normalize(folder).replace(/^\.$|\/$/g, ''))
      .filter((folder) => !folder.startsWith('..'));
  }

  #module(id: string, module: string, dirs: string[], args: readonly string[] | undefined): Entry | undefined {
    const path = module.split('.').join('/');
    const found = dirs
      .flatMap((dir) => [`${path}.py`, `${path}/__main__.py`].map((file) => ({ dir, file: posix.join(dir, file) })))
      .find(({ file }) => existsSync(join(this.root, file)));
    if (found === undefined) {
      return undefined;
    }
    // The packages around a module are imported first.
    const packages = path
      .split('/')
      .map((_, i, parts) => posix.join(found.dir, ...parts.slice(0, i), '__init__.py'))
      .slice(1)
      .filter((f) => existsSync(join(this.root, f)));
    return { id, kind: 'module', dirs, units: [...packages, found.file].map((name) => ({ name })), args };
  }

  #script(id: string, path: string, dirs: string[] = [''], args?: readonly string[]): Entry | undefined {
    const isPython = path.endsWith('.py') && existsSync(join(this.root, path));
    const folder = dirname(path) === '.' ? '' : posix.dirname(path);
    return isPython ? { id, kind: 'script', dirs: [folder, ...dirs], units: [{ name: path }], args } : undefined;
  }

  /** The first bytes of a file, as text of single bytes. */
  async head(file: LocalFile, length: number): Promise<string> {
    const { open } = await import('node:fs/promises');
    const handle = await open(file.absolute, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  read(path: string): Promise<Buffer> {
    return readFile(join(this.root, path));
  }

  /** Milliseconds since 1970 of the last change; undefined when there is no such file. */
  changed(path: string): number | undefined {
    return statSync(join(this.root, path), { throwIfNoEntry: false })?.mtimeMs;
  }
}

/** How a cell is named in findings. */
export function cellName(notebook: string, cell: number): string {
  return `${notebook}, code cell ${cell}`;
}

/** How the command of a step is named in findings. */
export function shellName(step: Step): string {
  return `the command of ${step.name}`;
}

type Path = (string | number)[];

/** Where a value of the project stands in the file: in the profile when that is what sets it. */
export function placeIn(file: Project, profile: string | undefined, path: Path): Path {
  const changes = profile === undefined ? undefined : own(file.profiles, profile);
  if (profile === undefined || changes === undefined) {
    return path;
  }
  const [first, second] = path;
  const group: unknown = first === undefined ? undefined : changes[first as keyof typeof changes];
  const inProfile =
    typeof second === 'string' && typeof group === 'object' && group !== null && Object.hasOwn(group, second);
  return inProfile ? ['profiles', profile, ...path] : path;
}
