import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The packages that a window reads when it starts. */
async function packagesAtStart(): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: ['src/extension.ts'],
    absWorkingDir: fileURLToPath(new URL('../../../', import.meta.url)),
    bundle: true,
    platform: 'node',
    format: 'esm',
    splitting: true,
    external: ['vscode', '*.node', 'cpu-features'],
    mainFields: ['module', 'main'],
    outdir: 'unused',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const { outputs } = metafile;
  const entry = Object.keys(outputs).find((name) => outputs[name]?.entryPoint === 'src/extension.ts') ?? '';
  const read = new Set<string>();
  const follow = (name: string): void => {
    const output = outputs[name];
    if (output !== undefined && !read.has(name)) {
      read.add(name);
      output.imports.filter(({ kind }) => kind === 'import-statement').forEach(({ path }) => follow(path));
    }
  };
  follow(entry);
  assert.ok(read.size > 0);
  const files = [...read].flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
  return [...new Set(files.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))].toSorted();
}

describe('the start of a window', () => {
  it('reads no package: what the extension uses of them is loaded at its first use', async () => {
    assert.deepEqual(await packagesAtStart(), []);
  }).timeout(30_000);
});
