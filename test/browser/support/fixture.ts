import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, temporaryFolder } from './package.ts';

/** A project of one script that takes a moment on the pod, and a home for the extension, in a temporary folder. */
export interface Fixture {
  folder: string;
  home: string;
  projectFile: string;
  /** Environment of the extension host. */
  env: Record<string, string>;
  machineSettings: Record<string, unknown>;
  /** Writes the project file with another smallest size in its gate. */
  setGate(minBytes: number): Promise<void>;
  /** Replaces the steps by one that runs for about this long. */
  setLongStep(seconds: number): Promise<void>;
  /** Ends the sandbox if one runs, and waits until it is gone. */
  endSandbox(): Promise<void>;
}

const script = `import pathlib
pathlib.Path("out").mkdir(exist_ok=True)
pathlib.Path("out/hello.txt").write_text("hello from the pod\\n")
print("hello from the pod")
`;

const helloSteps = (minBytes: number): object[] => [
  { name: 'hello', script: 'hello.py', gates: [{ type: 'file', path: 'out/hello.txt', minBytes }] },
  { name: 'done', shell: 'echo done', gates: [] },
];

function projectText(steps: object[]): string {
  const project = {
    version: 1,
    name: 'tiny',
    target: {
      volume: { name: 'tiny', dataCenter: 'US-MD-1', size: 10 },
      gpus: ['NVIDIA GeForce RTX 4090'],
      image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
    },
    sync: { must: ['hello.py'] },
    steps,
    caps: { hours: 1 },
  };
  return `${JSON.stringify(project, null, 2)}\n`;
}

export async function makeFixture(): Promise<Fixture> {
  const base = await temporaryFolder('project');
  const folder = join(base, 'tiny-project');
  const home = join(base, 'home');
  const projectFile = join(folder, 'training.runpod.json');
  await mkdir(folder);
  await writeFile(join(folder, 'hello.py'), script);
  const write = (steps: object[]): Promise<void> => writeFile(projectFile, projectText(steps));
  const setGate = (minBytes: number): Promise<void> => write(helloSteps(minBytes));
  await setGate(5);
  const python = join(root, '.venv/bin/python');
  return {
    folder,
    home,
    projectFile,
    env: { RUNPOD_TRAINER_HOME: home, HOME: base },
    machineSettings: {
      'runpodTrainer.python': existsSync(python)
        ? python
        : execFileSync('which', ['python3'], { encoding: 'utf8' }).trim(),
      'runpodTrainer.refreshSeconds': 5,
    },
    setGate,
    setLongStep: (seconds) =>
      write([{ name: 'long', shell: `for i in $(seq ${seconds}); do echo tick $i; sleep 1; done`, gates: [] }]),
    endSandbox: () => endSandbox(join(home, 'sandbox', 'connection.json')),
  };
}

async function endSandbox(file: string): Promise<void> {
  if (!existsSync(file)) {
    return;
  }
  const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + 15_000;
  while (existsSync(file)) {
    if (Date.now() > deadline) {
      throw new Error(`the sandbox (process ${pid}) did not end`);
    }
    await delay(100);
  }
}
