// `npm start`: the main job on the sandbox. Starts the sandbox, runs the sample with live progress, ends the sandbox.
// Arguments go to `runpod-trainer run`, such as `npm start -- --profile on-pod`.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, '.venv', 'bin');

const sandbox = spawn(
  process.execPath,
  [join(root, 'dist/sandbox/main.js'), '--root', join(root, '.sandbox'), '--image-path', bin, '--follow-stdin'],
  { stdio: ['pipe', 'pipe', 'ignore'], detached: true },
);
const connection = await new Promise((resolve, reject) => {
  createInterface({ input: sandbox.stdout }).once('line', (line) => resolve(JSON.parse(line)));
  sandbox.once('exit', (code) => reject(new Error(`The sandbox did not start (exit code ${code}).`)));
});
console.log(`Sandbox   ${connection.restUrl} (RunPod on this machine, nothing is charged)`);

const cli = spawn(
  process.execPath,
  [
    join(root, 'dist/cli.js'),
    'run',
    join(root, 'examples/rainbow/training.runpod.json'),
    '--yes',
    ...process.argv.slice(2),
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      RUNPOD_REST_URL: connection.restUrl,
      RUNPOD_API_KEY: connection.key,
      RUNPOD_TRAINER_S3_URL: connection.s3Url,
      RUNPOD_S3_ACCESS_KEY_ID: connection.s3Keys.accessKeyId,
      RUNPOD_S3_SECRET_ACCESS_KEY: connection.s3Keys.secretAccessKey,
      RUNPOD_TRAINER_PYTHON: join(bin, 'python'),
      RUNPOD_TRAINER_HOME: join(root, '.sandbox', 'home'),
    },
  },
);
// Ctrl-C reaches the command line by itself; this process stays to end the sandbox after it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => cli.kill('SIGTERM'));
const code = await new Promise((resolve) => cli.once('exit', (exit) => resolve(exit ?? 1)));
await new Promise((resolve) => {
  sandbox.once('exit', resolve);
  sandbox.stdin.end();
});
process.exitCode = code;
