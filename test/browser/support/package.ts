import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const run = promisify(execFile);

export const root = fileURLToPath(new URL('../../../', import.meta.url));

const shipped = [
  'package.json',
  '.vscodeignore',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'media',
  'schemas',
  'examples',
];

/** A folder under the system's temporary one that is removed when this process ends. */
export async function temporaryFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `runpod-trainer-${name}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function vsce(folder: string, out: string): Promise<void> {
  const args = [
    'package',
    '--no-dependencies',
    '--allow-missing-repository',
    '--skip-license',
    '--no-rewrite-relative-links',
    '--out',
    out,
  ];
  await run(process.execPath, [join(root, 'node_modules/@vscode/vsce/vsce'), ...args], { cwd: folder });
}

/**
 * Something that is made at the first call and used by the later ones, also by those of other processes of one run of
 * the tests: they share the folder that `RUNPOD_TRAINER_TEST_BUILDS` names. `make` makes it under the path it is given;
 * nobody changes it afterwards.
 */
export function once(name: string, make: (path: string) => Promise<void>): () => Promise<string> {
  let made: Promise<string> | undefined;
  const first = async (): Promise<string> => {
    const folder = process.env['RUNPOD_TRAINER_TEST_BUILDS'] ?? (await temporaryFolder('builds'));
    const path = join(folder, name);
    if (!existsSync(path)) {
      const half = await mkdtemp(join(folder, 'half-'));
      await make(join(half, name));
      await rename(join(half, name), path).catch((error: unknown) => {
        // Another process was first, and its copy is as good.
        if (!existsSync(path)) throw error;
      });
      await rm(half, { recursive: true, force: true });
    }
    return path;
  };
  return () => (made ??= first());
}

/** What runs and tools leave behind in the sample project, and its own tests: none of it ships. */
const generated =
  /(^|\/)(staged_raw_material|chain_artifacts|runpod-results|\.runpod-trainer|__pycache__|tests|\.\w+_cache|training\/(data|output))(\/|$)/;

/** Builds as `npm run build` does, but into a folder of its own, since others may be building in the checkout. */
async function buildInto(folder: string): Promise<void> {
  const mirror = await temporaryFolder('build');
  const names = await readdir(root);
  for (const name of names.filter((n) => !['dist', '.git', 'esbuild.mjs'].includes(n))) {
    await symlink(join(root, name), join(mirror, name));
  }
  await cp(join(root, 'esbuild.mjs'), join(mirror, 'esbuild.mjs'));
  await run(process.execPath, ['esbuild.mjs', '--production'], { cwd: mirror });
  await cp(join(mirror, 'dist'), folder, { recursive: true });
}

/** The built extension as VS Code would unpack it, in a folder outside the checkout. */
export const stageExtension = once('extension', async (staged) => {
  await mkdir(staged);
  for (const path of shipped.filter((p) => existsSync(join(root, p)))) {
    const filter = (source: string): boolean => !generated.test(source.slice(root.length));
    await cp(join(root, path), join(staged, path), { recursive: true, filter });
  }
  await buildInto(join(staged, 'dist'));
  // Without its scripts, so that packaging does not build a second time.
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  delete manifest['scripts'];
  await writeFile(join(staged, 'package.json'), JSON.stringify(manifest, null, 2));
});

/** The extension as a VSIX file. */
export const packageExtension = once('runpod-trainer.vsix', async (file) => vsce(await stageExtension(), file));

/** The extension that runs mocha suites inside the extension host, with the suites bundled in. */
export const stageTestRunner = once('runner', async (staged) => {
  await build({
    entryPoints: {
      runner: join(root, 'test/host/runner/extension.ts'),
      suites: join(root, 'test/host/suite/index.ts'),
    },
    outdir: staged,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  await cp(join(root, 'test/host/runner/manifest.json'), join(staged, 'package.json'));
});

/** The test runner as a VSIX file. */
export const packageTestRunner = once('runner.vsix', async (file) => vsce(await stageTestRunner(), file));
