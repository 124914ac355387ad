// code-server is a real VS Code that npm can install: it stands in where VS Code itself cannot be downloaded.
// It is installed once per version into a cache folder outside the project, because its own build takes about 80 s
// and its dependency tree is no part of ours.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const codeServerVersion = '4.139.1';

/** Debian packages without which the native modules do not build, and the browser that the tests drive. */
export const debianPackages = [
  'chromium',
  'libkrb5-dev',
  'libsecret-1-dev',
  'libx11-dev',
  'libxkbfile-dev',
  'pkg-config',
];

/** Where things live that are costly to make and belong to no checkout. */
export function cacheRoot() {
  return (
    process.env['RUNPOD_TRAINER_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'runpod-trainer')
  );
}

const entryIn = (folder) => join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');

/**
 * The path of code-server's entry file, installing it first when it is not there.
 * Several processes may call this at once: one installs, the others wait for it.
 */
export async function ensureCodeServer({ log = (line) => process.stderr.write(`${line}\n`) } = {}) {
  const folder = join(cacheRoot(), `code-server-${codeServerVersion}`);
  if (existsSync(entryIn(folder))) {
    return entryIn(folder);
  }
  await mkdir(dirname(folder), { recursive: true });
  const release = await lock(`${folder}.lock`, log);
  try {
    if (!existsSync(entryIn(folder))) {
      await install(folder, log);
    }
  } finally {
    await release();
  }
  return entryIn(folder);
}

async function install(folder, log) {
  const started = Date.now();
  log(`Installing code-server ${codeServerVersion} into ${folder} (once; one to two minutes).`);
  const temporary = await mkdtemp(`${folder}.incoming-`);
  try {
    await writeFile(join(temporary, 'package.json'), '{ "private": true }\n');
    const env = environment();
    // npm's own variables of a surrounding `npm run` would point the install at the surrounding project.
    for (const name of Object.keys(env)) {
      if (/^(npm_(package|lifecycle|command|config_local_prefix)|INIT_CWD)/i.test(name)) {
        delete env[name];
      }
    }
    const { code, output } = await capture(
      'npm',
      ['install', '--no-audit', '--no-fund', `code-server@${codeServerVersion}`],
      { cwd: temporary, env },
    );
    if (code !== 0 || !existsSync(entryIn(temporary))) {
      throw new Error(
        `code-server ${codeServerVersion} could not be installed (npm ended with ${code}). On Debian it needs: ` +
          `apt-get install -y ${debianPackages.join(' ')}\n${output.slice(-4000)}`,
      );
    }
    await rename(temporary, folder).catch((error) => {
      // Another process was first (its lock was lost, or taken for a dead one's): its copy is as good.
      if (!existsSync(entryIn(folder))) {
        throw error;
      }
    });
    log(`code-server ${codeServerVersion} installed in ${Math.round((Date.now() - started) / 1000)} s.`);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Node's folder first on PATH, so that builds and code-server use the Node that runs this. */
function environment() {
  const env = { ...process.env };
  env.PATH = [dirname(process.execPath), env.PATH].join(delimiter);
  // Inside a VS Code terminal these make code-server talk to that window instead of starting.
  delete env.VSCODE_IPC_HOOK_CLI;
  delete env.VSCODE_IPC_HOOK;
  return env;
}

/** Takes a lock file; one left by a process that is gone is taken over. Answers the function that releases it. */
async function lock(path, log) {
  let told = false;
  for (;;) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw error;
      }
    }
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    if (holder > 0 ? !isAlive(holder) : await isOld(path)) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) {
      log('Another process is installing code-server; waiting for it.');
      told = true;
    }
    await delay(250);
  }
}

/** A lock without a holder's name in it belongs to a process that died while it wrote the name. */
async function isOld(path) {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > 10_000;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function capture(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** A loopback port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Installs VSIX files into an extensions folder; throws with code-server's own words when it refuses one. */
export async function installExtensions({ entry, userDataDir, extensionsDir, vsix }) {
  const args = [entry, '--user-data-dir', userDataDir, '--extensions-dir', extensionsDir];
  const { code, output } = await capture(
    process.execPath,
    [...args, ...vsix.flatMap((file) => ['--install-extension', file])],
    { env: environment() },
  );
  if (code !== 0) {
    throw new Error(`code-server could not install ${vsix.join(', ')}:\n${output}`);
  }
}

/**
 * Starts code-server on loopback and waits until it answers.
 * `trust: false` leaves every folder trusted without a question; `true` lets VS Code ask.
 */
export async function startCodeServer({ entry, userDataDir, extensionsDir, folder, port, trust = false, env = {} }) {
  const chosen = port ?? (await freePort());
  const args = [entry, '--auth', 'none', '--bind-addr', `127.0.0.1:${chosen}`];
  args.push('--user-data-dir', userDataDir, '--extensions-dir', extensionsDir);
  args.push('--disable-telemetry', '--disable-update-check', '--disable-getting-started-override');
  if (!trust) {
    args.push('--disable-workspace-trust');
  }
  if (folder !== undefined) {
    args.push(folder);
  }
  // An own process group, so that stopping takes the extension hosts along.
  const child = spawn(process.execPath, args, {
    env: { ...environment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const keep = (chunk) => (output = (output + chunk).slice(-200_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
    child.once('error', resolve);
  });
  let over = false;
  void ended.then(() => (over = true));
  const stop = async () => {
    for (const signal of ['SIGTERM', 'SIGKILL']) {
      try {
        process.kill(-child.pid, signal);
      } catch {
        break; // the group is gone
      }
      await Promise.race([ended, delay(3000, undefined, { ref: false })]);
    }
    await ended;
  };
  const url = `http://127.0.0.1:${chosen}/`;
  const deadline = Date.now() + 60_000;
  while (!over && Date.now() < deadline) {
    const ready = await fetch(`${url}healthz`, { signal: AbortSignal.timeout(2000) }).then(
      (r) => r.ok,
      () => false,
    );
    if (ready) {
      return { url, port: chosen, pid: child.pid, output: () => output, stop };
    }
    await delay(100);
  }
  await stop();
  throw new Error(`code-server did not start:\n${output}`);
}

/** Settings for a window without start pages, chat, tips and other things that no test and no picture wants. */
export const quietSettings = {
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'window.commandCenter': false,
  'git.enabled': false,
  'files.simpleDialog.enable': true,
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${await ensureCodeServer()}\n`);
}
