import path from 'node:path';
import os from 'node:os';
import { startSandbox, type Isolation, type SandboxOptions } from '../../../sandbox/index.ts';
import { isRoot, OrdinaryUser, type Workbench } from './harness.ts';

/** A running sandbox of either kind, seen from outside. */
export interface Running {
  restUrl: string;
  key: string;
  isolation: Isolation;
  root: string;
  /** Who logs in at its pods. */
  username: string;
  close: () => Promise<void>;
}

/**
 * Starts a sandbox of the given isolation. Plain pods are those of an ordinary user: when the tests run as root, a
 * temporary user is made and the sandbox is started as that user through its command.
 */
export async function startAs(
  isolation: Isolation,
  bench: Workbench,
  options: Partial<SandboxOptions> = {},
): Promise<Running> {
  if (isolation === 'plain' && isRoot) {
    const user = new OrdinaryUser();
    try {
      const sandbox = await user.spawnSandbox([
        '--root',
        path.join(user.folder, 'root dir'),
        '--isolation',
        'plain',
        ...imageArgs(options),
      ]);
      return {
        ...sandbox,
        isolation,
        username: user.name,
        close: async () => {
          sandbox.child.stdin?.end();
          await sandbox.ended;
          user.remove();
        },
      };
    } catch (error) {
      user.remove();
      throw error;
    }
  }
  const sandbox = await startSandbox({ root: path.join(bench.folder, 'root dir'), isolation, ...options });
  return { ...sandbox, username: isolation === 'namespace' ? 'root' : os.userInfo().username };
}

function imageArgs(options: Partial<SandboxOptions>): string[] {
  return options.imagePath === undefined ? [] : ['--image-path', options.imagePath];
}
