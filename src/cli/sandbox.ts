import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { distFolder, sandboxFolder } from './context.ts';
import { onInterrupt } from './interrupt.ts';

export interface SandboxOptions {
  root?: string;
  imagePath?: string;
  port?: string;
}

/** Runs the sandbox in the foreground until Ctrl-C. Its own output says where it listens. */
export function sandboxCommand(options: SandboxOptions): Promise<number> {
  // It ends with this process, however that ends: the pipe closes.
  const argv = [join(distFolder(), 'sandbox', 'main.js'), '--follow-stdin', '--root', options.root ?? sandboxFolder()];
  if (options.imagePath !== undefined) {
    argv.push('--image-path', options.imagePath);
  }
  if (options.port !== undefined) {
    argv.push('--port', options.port);
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdout.on('data', () => {
      process.stderr.write('The sandbox is running; use it from another terminal with --sandbox. Ctrl-C stops it.\n');
    });
    const interrupt = onInterrupt();
    interrupt.signal.addEventListener('abort', () => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('close', (code) => {
      interrupt.stop();
      resolve(code ?? 0);
    });
  });
}
