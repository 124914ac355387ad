import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { cacheRoot } from '../../scripts/code-server.mjs';

/** The version that package.json's `engines.node` promises, as in 22.15.0. */
export const oldestVersion = `${packageJson.engines.node.replace('>=', '')}.0`;

/**
 * The oldest Node itself, as npm brings it for this machine; kept in the cache folder. It is no dependency of the
 * project: its command has the name of the Node that everything here runs on, and one would hide the other.
 */
export async function oldestNode(): Promise<string> {
  const folder = path.join(cacheRoot(), `node-${oldestVersion}`);
  const program = path.join('node_modules', 'node', 'bin', 'node');
  if (!existsSync(path.join(folder, program))) {
    await mkdir(cacheRoot(), { recursive: true });
    const temporary = await mkdtemp(`${folder}.incoming-`);
    try {
      await writeFile(path.join(temporary, 'package.json'), '{ "private": true }\n');
      // What npm tells its scripts would point this install at the project around it.
      const env = Object.fromEntries(
        Object.entries(process.env).filter(
          ([name]) => !/^(npm_(package|lifecycle|command|config_local_prefix)|INIT_CWD)/i.test(name),
        ),
      );
      const args = ['install', '--no-audit', '--no-fund', `node@${oldestVersion}`];
      await promisify(execFile)('npm', args, { cwd: temporary, env });
      // Another process may have been first: its copy is as good.
      await rename(temporary, folder).catch(() => undefined);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
  return path.join(folder, program);
}
