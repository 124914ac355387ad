import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { distFolder, sandboxFolder } from './context.ts';

export interface SandboxOptions {
  root?: string;
  imagePath?: string;
  port?: string;
}

/** Runs the sandbox in the foreground until Ctrl-C. Its own output says where it listens. */
export function sandboxCommand(options: SandboxOptions): Promise<number> {
  const argv = [join(distFolder(), 'sandbox', 'main.js'), '--root', options.root ?? sandboxFolder()];
  if (options.imagePath !== undefined) {
    argv.push('--image-path', options.imagePath);
  }
  if (options.port !== undefined) {
    argv.push('--port', options.port);
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', () => {
      process.stderr.write('The sandbox is running; use it from another terminal with --sandbox. Ctrl-C stops it.\n');
    });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on('SIGINT', pass);
    process.on('SIGTERM', pass);
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('SIGINT', pass);
      process.off('SIGTERM', pass);
      resolve(code ?? 0);
    });
  });
}
