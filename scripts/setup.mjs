// Installs what is missing, so that `npm start` and `npm test` work from a fresh clone. Plain Node, no packages:
// it runs before anything is installed. `--dev` adds what only the tests need.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dev = process.argv.includes('--dev');
const torch = '2.13.0';

const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(text) {
  say(text);
  process.exit(1);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  return result.status === 0;
}

/** Does work once per content of the files that decide it; the stamp lies beside the result. */
function once(stamp, files, work) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(readFileSync(join(root, file)));
  }
  const digest = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) {
    return;
  }
  work();
  mkdirSync(join(stamp, '..'), { recursive: true });
  writeFileSync(stamp, digest);
}

/** Debian packages by the file that shows that they are there. */
const system = [
  ['/usr/sbin/sshd', 'openssh-server', 'the sandbox runs its pods behind a real sshd'],
  ['/usr/bin/ssh-keygen', 'openssh-client', 'host keys'],
  ['/usr/bin/python3', 'python3', 'the worker is Python'],
];
const systemForTests = [
  ['/usr/bin/git', 'git', 'ignore rules are compared with git itself'],
  ['/usr/bin/chromium', 'chromium', 'browser tests'],
  ['/usr/bin/pkg-config', 'pkg-config', 'code-server builds native modules'],
  ['/usr/include/krb5.h', 'libkrb5-dev', 'code-server builds native modules'],
  ['/usr/include/X11/Xlib.h', 'libx11-dev', 'code-server builds native modules'],
  ['/usr/include/X11/extensions/XKBfile.h', 'libxkbfile-dev', 'code-server builds native modules'],
  ['/usr/include/libsecret-1/libsecret/secret.h', 'libsecret-1-dev', 'code-server builds native modules'],
];

function installSystemPackages() {
  if (process.platform !== 'linux') {
    if (!existsSync('/usr/sbin/sshd')) {
      fail('The sandbox needs an OpenSSH server; install one so that /usr/sbin/sshd exists.');
    }
    return;
  }
  const onPath = (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
  const missing = [...system, ...(dev ? systemForTests : [])].filter(
    ([file]) => !existsSync(file) && !onPath(file.split('/').at(-1)),
  );
  if (missing.length === 0) {
    return;
  }
  const names = missing.map(([, name]) => name);
  if (process.getuid() !== 0 || !existsSync('/usr/bin/apt-get')) {
    const why = missing.map(([, name, reason]) => `  ${name}: ${reason}`).join('\n');
    fail(
      `These packages are missing:\n${why}\nInstall them, on Debian or Ubuntu with: sudo apt-get install -y ${names.join(' ')}`,
    );
  }
  say(`installing ${names.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (!run('apt-get', ['update', '-q'], { env }) || !run('apt-get', ['install', '-y', '-q', ...names], { env })) {
    fail(`apt-get could not install ${names.join(', ')}; see the lines above.`);
  }
}

function installNodePackages() {
  once(join(root, 'node_modules/.runpod-trainer-setup'), ['package-lock.json'], () => {
    say('installing Node packages (about half a minute)');
    if (!run('npm', ['ci', '--no-audit', '--no-fund'])) {
      fail('npm ci failed; see the lines above.');
    }
  });
}

function python() {
  const candidates = ['python3.12', 'python3.11', 'python3.13', 'python3.10', 'python3'];
  const works = (name) =>
    spawnSync(name, ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))']).status === 0;
  const preferred = works('python3') ? 'python3' : candidates.find(works);
  if (preferred === undefined) {
    fail(
      'Python 3.10 or newer with venv is missing; on Debian or Ubuntu: sudo apt-get install -y python3 python3-venv',
    );
  }
  return preferred;
}

/** The Python packages that RunPod's images bring, for pods of the sandbox; with --dev also what the tests need. */
function installPythonPackages() {
  const venv = join(root, '.venv');
  const pip = join(venv, 'bin', 'pip');
  const lists = ['examples/rainbow/requirements.txt', ...(dev ? ['gpu-worker/requirements.lock'] : [])];
  once(join(venv, dev ? '.setup-dev' : '.setup'), ['scripts/setup.mjs', ...lists], () => {
    say(`installing PyTorch ${torch} for the CPU and the sample's Python packages (about two minutes)`);
    const name = python();
    if (!existsSync(pip) && !run(name, ['-m', 'venv', venv])) {
      fail(`${name} -m venv failed; on Debian or Ubuntu: sudo apt-get install -y python3-venv`);
    }
    // The CPU build is a tenth of the size; where no index offers it, the plain one does.
    const quiet = ['install', '--quiet', '--disable-pip-version-check'];
    const haveTorch =
      run(pip, [...quiet, `torch==${torch}+cpu`], { stdio: 'ignore' }) || run(pip, [...quiet, `torch==${torch}`]);
    if (!haveTorch || !run(pip, [...quiet, ...lists.flatMap((l) => ['-r', l])])) {
      fail('pip could not install the Python packages; see the lines above.');
    }
  });
}

process.chdir(root);
installSystemPackages();
installNodePackages();
installPythonPackages();
execFileSync(join(root, 'node_modules/.bin/node'), ['esbuild.mjs'], { cwd: root, stdio: ['ignore', 2, 2] });
