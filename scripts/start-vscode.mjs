// `npm run start:vscode`: opens the sample project in VS Code with the extension installed and the sandbox running.
// The desktop VS Code where `code` is on PATH, else code-server in a browser. Ctrl-C ends what was started.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureCodeServer, installExtensions, quietSettings, startCodeServer } from './code-server.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const state = join(root, '.sandbox');
const home = join(state, 'home');
const sample = join(root, 'examples', 'rainbow');
const vsix = join(root, 'dist', 'runpod-trainer.vsix');
const python = join(root, '.venv', 'bin', 'python');

function must(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], ...options });
  if (result.status !== 0) {
    throw new Error(`${command} ${args[0]} failed`);
  }
}

console.log('Packaging the extension…');
const vsce = join(root, 'node_modules/@vscode/vsce/vsce');
const flags = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links'];
must(process.execPath, [vsce, 'package', ...flags, '--out', vsix]);

// Where the extension looks for the sandbox, so that its window finds this one running.
const sandbox = spawn(
  process.execPath,
  [
    join(root, 'dist/sandbox/main.js'),
    '--root',
    join(home, 'sandbox'),
    '--image-path',
    join(root, '.venv', 'bin'),
    '--follow-stdin',
  ],
  { stdio: ['pipe', 'pipe', 'ignore'], detached: true },
);
const connection = await new Promise((resolve, reject) => {
  createInterface({ input: sandbox.stdout }).once('line', (line) => resolve(JSON.parse(line)));
  sandbox.once('exit', (code) => reject(new Error(`The sandbox did not start (exit code ${code}).`)));
});
console.log(`Sandbox   ${connection.restUrl}`);

const env = { RUNPOD_TRAINER_HOME: home };
const desktop = spawnSync('code', ['--version'], { stdio: 'ignore' }).status === 0;
const userDataDir = join(state, 'vscode');
const extensionsDir = join(state, 'vscode-extensions');
for (const place of ['User', 'Machine']) {
  const settings = place === 'User' ? quietSettings : { 'runpodTrainer.python': python };
  mkdirSync(join(userDataDir, place), { recursive: true });
  writeFileSync(join(userDataDir, place, 'settings.json'), JSON.stringify(settings, null, 2));
}

let stop;
if (desktop && process.env.RUNPOD_TRAINER_CODE_SERVER === undefined) {
  const dirs = ['--user-data-dir', userDataDir, '--extensions-dir', extensionsDir];
  writeFileSync(
    join(userDataDir, 'User', 'settings.json'),
    JSON.stringify({ ...quietSettings, 'runpodTrainer.python': python }, null, 2),
  );
  must('code', [...dirs, '--install-extension', vsix, '--force']);
  const window = spawn('code', [...dirs, '--wait', sample], { stdio: 'ignore', env: { ...process.env, ...env } });
  stop = async () => void window.kill();
  console.log('VS Code is open with the sample project. Close its window or press Ctrl-C to end.');
  window.once('exit', () => process.emit('SIGINT'));
} else {
  const entry = await ensureCodeServer();
  mkdirSync(extensionsDir, { recursive: true });
  await installExtensions({ entry, userDataDir, extensionsDir, vsix: [vsix] });
  const server = await startCodeServer({ entry, userDataDir, extensionsDir, folder: sample, env });
  stop = () => server.stop();
  console.log(`VS Code   ${server.url}?folder=${encodeURIComponent(sample)}`);
  console.log('Open that address in a browser on this machine. Ctrl-C ends it.');
}

await new Promise((resolve) => {
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
await stop();
await new Promise((resolve) => {
  sandbox.once('exit', resolve);
  sandbox.stdin.end();
});
