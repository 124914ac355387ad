// Builds dist/: the extension, the command line, the sandbox, the panels and the worker's single file.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));
process.chdir(root);
const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
const production = process.argv.includes('--production');
/** Built beside `dist`, which it replaces when all went well: a build that fails leaves the last good one. */
const out = `.dist-${process.pid}`;

/** zod brings its messages in fifty languages; ours are in one. */
const oneLanguage = {
  name: 'one-language',
  setup: (bundler) =>
    bundler.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: dirname(path),
    })),
};

/**
 * The extension lies in several files, so that a window reads only what it needs when it starts: what the code loads
 * with `import()` is read at its first use. The bundler splits ES modules only, and an extension is CommonJS, so each
 * file is turned into CommonJS afterwards.
 */
async function buildExtension() {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: { extension: 'src/extension.ts' },
    format: 'esm',
    splitting: true,
    outdir: out,
    outExtension: { '.js': '.cjs' },
    chunkNames: 'late/[name]-[hash]',
    sourcemap: production ? false : 'inline',
    write: false,
  });
  await Promise.all(
    outputFiles.map(async ({ path, text }) => {
      const { code } = await transform(text, {
        format: 'cjs',
        platform: 'node',
        target: shared.target,
        minify: production,
        sourcemap: production ? false : 'inline',
        sourcefile: path,
        legalComments: 'none',
        supported: { 'dynamic-import': false },
      });
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code);
    }),
  );
}

const shared = {
  plugins: [oneLanguage],
  bundle: true,
  platform: 'node',
  target: engines.node.replace('>=', 'node'),
  minify: production,
  sourcemap: !production,
  legalComments: 'none',
  // jsonc-parser's CommonJS build hides its parts from a bundler.
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  // ssh2's optional native speed-ups: it works without them, and a VSIX must run on every system.
  external: ['vscode', 'cpu-features', '*.node'],
};

// CommonJS packages inside an ES module bundle still expect what only CommonJS has.
const banner = `import { createRequire } from 'node:module';
import { fileURLToPath as pathOfUrl } from 'node:url';
const require = createRequire(import.meta.url);
const __filename = pathOfUrl(import.meta.url);
const __dirname = pathOfUrl(new URL('.', import.meta.url));`;
const withRequire = { format: 'esm', banner: { js: banner } };

/** The command line in two files: the first must run on a Node that cannot read the second, to say that it is too old. */
const programApart = {
  name: 'program-apart',
  setup: (bundler) =>
    bundler.onResolve({ filter: /^\.\/cli\/main\.ts$/ }, () => ({ path: './program.js', external: true })),
};

const jobs = [
  { entryPoints: ['src/cli.ts'], outfile: `${out}/cli.js`, format: 'esm', target: 'es2022', plugins: [programApart] },
  { entryPoints: ['src/cli/main.ts'], outfile: `${out}/program.js`, ...withRequire },
  { entryPoints: ['sandbox/main.ts'], outfile: `${out}/sandbox/main.js`, ...withRequire },
];

process.once('exit', () => rmSync(out, { recursive: true, force: true }));
mkdirSync(out, { recursive: true });
const panels = existsSync('webview')
  ? readdirSync('webview', { withFileTypes: true })
      .filter((d) => d.isDirectory() && existsSync(`webview/${d.name}/main.ts`))
      .map((d) => ({ in: `webview/${d.name}/main.ts`, out: d.name }))
  : [];
await Promise.all([
  buildExtension(),
  ...jobs.map((job) => build({ ...shared, ...job })),
  ...(panels.length > 0
    ? [
        build({
          ...shared,
          platform: 'browser',
          target: 'es2022',
          format: 'iife',
          external: [],
          entryPoints: panels,
          outdir: `${out}/webview`,
        }),
      ]
    : []),
]);
if (existsSync('sandbox/pod')) {
  cpSync('sandbox/pod', `${out}/pod`, { recursive: true });
}
execFileSync('python3', ['gpu-worker/build.py', `${out}/worker.pyz`], { stdio: 'inherit' });
rmSync('dist', { recursive: true, force: true });
renameSync(out, 'dist');
