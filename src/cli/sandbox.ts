import { spawn } from 'node:child_process';
import { join, resolve as absolute } from 'node:path';
import { UserError } from '../core/errors.ts';
import { homeFolder, makeOwnFolder } from '../core/home/folder.ts';
import { findSandbox, noteElsewhere, runningIn, sandboxEnvironment, sandboxFolder } from '../core/home/sandbox.ts';
import { JobRecords } from '../core/journal/records.ts';
import { count } from '../core/words/index.ts';
import { distFolder } from './context.ts';
import { isAskedByHand, onInterrupt } from './interrupt.ts';
import { printable } from './style.ts';

export interface SandboxOptions {
  root?: string;
  imagePath?: string;
  port?: string;
}

/**
 * Runs the sandbox in the foreground until Ctrl-C. While jobs run in it the first Ctrl-C only names them.
 */
export async function sandboxCommand(options: SandboxOptions): Promise<number> {
  if (options.port !== undefined && !isPort(options.port)) {
    throw new UserError('port-unknown', {
      what: `"${options.port}" is not a port.`,
      next: 'Give a whole number from 1 to 65535, or leave it out for a free one.',
    });
  }
  const home = homeFolder();
  const root = absolute(options.root ?? sandboxFolder(home));
  makeOwnFolder(root);
  // It ends with this process, however that ends: the pipe closes.
  const argv = [join(distFolder(), 'sandbox', 'main.js'), '--follow-stdin', '--root', root];
  if (options.imagePath !== undefined) {
    argv.push('--image-path', options.imagePath);
  }
  if (options.port !== undefined) {
    argv.push('--port', options.port);
  }
  const interrupt = onInterrupt();
  // A group of its own: Ctrl-C is for this process, which asks first.
  const child = spawn(process.execPath, argv, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: sandboxEnvironment(process.env),
    detached: true,
  });
  let forget = (): Promise<void> => Promise.resolve();
  child.stdout.once('data', () => {
    void announce(home, root).then((undo) => (forget = undo));
  });
  interrupt.signal.addEventListener('abort', () => void endUnlessBusy(home, root, () => child.kill('SIGTERM')));
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 0));
    });
  } finally {
    interrupt.stop();
    await forget();
  }
}

/** 0 is for whichever is free. */
function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) < 65_536;
}

/** Says how the sandbox is reached from another terminal, and makes that so. */
async function announce(home: string, root: string): Promise<() => Promise<void>> {
  const undo = root === sandboxFolder(home) ? () => Promise.resolve() : await noteElsewhere(home, root);
  const [found, own] = await Promise.all([findSandbox(home), runningIn(root)]);
  const reached = found !== undefined && found.restUrl === own?.restUrl;
  const how = reached
    ? 'use it from another terminal with --sandbox'
    : `--sandbox means the one in ${sandboxFolder(home)}, which runs too; this one is reached by the address and keys in ${join(root, 'connection.json')}`;
  process.stderr.write(`The sandbox is running; ${printable(how)}. Ctrl-C stops it.\n`);
  return undo;
}

/** Ends the sandbox, or names what would be lost with it. */
async function endUnlessBusy(home: string, root: string, end: () => void): Promise<void> {
  const running = await runningIn(root).catch(() => undefined);
  const records = await new JobRecords(home).list().catch(() => []);
  const going = records.filter((r) => r.restUrl === running?.restUrl && r.phase !== 'done').map((r) => r.job);
  if (going.length === 0 || !isAskedByHand()) {
    end();
    return;
  }
  process.stderr.write(
    printable(
      `${count(going.length, 'job')} would end and be lost: ${going.join(', ')}. Ctrl-C again stops the sandbox.`,
    ) + '\n',
  );
}
