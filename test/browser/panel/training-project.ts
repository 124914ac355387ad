import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Fixture } from '../support/fixture.ts';
import { hostileLines } from './rainbow.ts';

const train = `import json, os, sys, time
for line in ${JSON.stringify(hostileLines)}:
    print(line)
print("\\x1b[32mready\\x1b[0m", flush=True)
with open(os.environ["RUNPOD_TRAINER_METRICS"], "a", buffering=1) as metrics:
    i = 0
    while not os.path.exists("enough") and i < 2400:
        print(f"step {i} loss {2 / (i + 1):.4f}", flush=True)
        metrics.write(json.dumps({"step": i, "loss": 2 / (i + 1)}) + "\\n")
        i += 1
        time.sleep(0.25)
print("slow down", file=sys.stderr)
`;

/** Steps: one that passes at once, one that trains until it is told to end, and one whose gate does not hold. */
export async function writeTraining(fixture: Fixture): Promise<void> {
  await writeFile(join(fixture.folder, 'train.py'), train);
  const project = JSON.parse(await readFile(fixture.projectFile, 'utf8')) as { sync: object; steps: object[] };
  project.sync = { must: ['hello.py', 'train.py'] };
  project.steps = [
    { name: 'hello', script: 'hello.py', gates: [{ type: 'file', path: 'out/hello.txt', minBytes: 5 }] },
    { name: 'train', script: 'train.py', gates: [{ type: 'metric', name: 'loss', max: 1 }] },
    {
      name: 'check',
      shell: 'echo checked',
      gates: [{ type: 'file', path: 'out/hello.txt', minBytes: 5000, allowStale: true }],
    },
    { name: 'export', shell: 'echo exported', gates: [] },
  ];
  await writeFile(fixture.projectFile, JSON.stringify(project, null, 2));
}

/** Lets the training end: puts a file beside its script on the sandbox's volume. */
export async function endTraining(fixture: Fixture): Promise<void> {
  const sandbox = join(fixture.home, 'sandbox');
  const script = (await readdir(sandbox, { recursive: true })).find((path) => /projects\/tiny\/train\.py$/.test(path));
  if (script === undefined) {
    throw new Error(`no train.py under ${sandbox}`);
  }
  await writeFile(join(sandbox, dirname(script), 'enough'), '');
}
