import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..', '..');

// CommonJS packages inside an ES module bundle still expect what only CommonJS has.
const banner = `import { createRequire } from 'node:module';
import { fileURLToPath as pathOfUrl } from 'node:url';
const require = createRequire(import.meta.url);
const __filename = pathOfUrl(import.meta.url);
const __dirname = pathOfUrl(new URL('.', import.meta.url));`;

/** Builds the command line and the worker into a folder: long runs must not depend on a `dist` that changes below them. */
export async function buildClient(folder: string): Promise<void> {
  await build({
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: banner },
    mainFields: ['module', 'main'],
    external: ['cpu-features', '*.node'],
    logLevel: 'warning',
    entryPoints: [path.join(root, 'src', 'cli.ts')],
    outfile: path.join(folder, 'cli.js'),
  });
  execFileSync('python3', [path.join(root, 'gpu-worker', 'build.py'), path.join(folder, 'worker.pyz')]);
}
