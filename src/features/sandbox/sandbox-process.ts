import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError, UserError } from '../../core/errors.ts';
import type { SandboxConnection } from '../../core/home/sandbox.ts';

export interface SandboxOptions {
  /** The home, whose sandbox the command line uses too. */
  home: string;
  /** The built sandbox. */
  script: string;
  /** Python of the pods' image; only an absolute path has a folder of programs beside it. */
  python: () => Promise<string>;
}

/**
 * The sandbox as a process of its own. It outlives the window, as RunPod does: a job in it goes on while the window
 * reloads.
 */
export class SandboxProcess {
  readonly #options: () => SandboxOptions;

  constructor(options: () => SandboxOptions) {
    this.#options = options;
  }

  /** The sandbox that runs now, whoever started it. */
  async find(): Promise<SandboxConnection | undefined> {
    const { findSandbox } = await import('../../core/home/sandbox.ts');
    return findSandbox(this.#options().home);
  }

  /** Starts a sandbox, or answers the one that runs. Throws a UserError with the sandbox's own words. */
  async start(signal: AbortSignal): Promise<SandboxConnection> {
    const running = await this.find();
    if (running !== undefined) {
      return running;
    }
    const { home, script } = this.#options();
    const python = await this.#options().python();
    const { sandboxEnvironment, sandboxFolder } = await import('../../core/home/sandbox.ts');
    const root = sandboxFolder(home);
    await mkdir(root, { recursive: true, mode: 0o700 });
    const logFile = join(root, 'sandbox.log');
    const log = await open(logFile, 'w', 0o600);
    const argv = [script, '--root', root, ...(isAbsolute(python) ? ['--image-path', dirname(python)] : [])];
    // On the desktop the running program is Electron, which this variable turns into Node.
    const env = { ...sandboxEnvironment(process.env), ELECTRON_RUN_AS_NODE: '1' };
    const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', 'ignore', log.fd], env });
    await log.close();
    const state = { ended: false };
    child.once('error', () => (state.ended = true));
    child.once('exit', () => (state.ended = true));
    child.unref();
    for (;;) {
      const found = await this.find();
      if (found !== undefined) {
        return found;
      }
      if (state.ended) {
        throw new UserError('sandbox-failed', {
          what: 'The sandbox did not start.',
          why: (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').at(-1),
          next: 'Correct what it names and start it again.',
        });
      }
      if (signal.aborted) {
        child.kill();
        throw new CancelledError();
      }
      await delay(50);
    }
  }

  /** Ends the sandbox and everything that runs in it; resolves when it is gone. */
  async stop(): Promise<void> {
    const running = await this.find();
    if (running === undefined) {
      return;
    }
    process.kill(running.pid, 'SIGTERM');
    const deadline = Date.now() + 15_000;
    while (isAlive(running.pid)) {
      if (Date.now() > deadline) {
        throw new UserError('sandbox-hangs', {
          what: 'The sandbox does not end.',
          next: `End the process ${running.pid} by hand.`,
        });
      }
      await delay(50);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
