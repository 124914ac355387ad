import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { gateVerdict } from '../gate-verdict.ts';
import { UnknownFact, unknownBecause } from '../memo.ts';
import { mayMeet, names } from '../overlap.ts';
import type { LocalFile } from '../../../files/scan.ts';
import type { Gate, Step } from '../../../project/schema.ts';

const columnReadMs = 1500;

export const gates: Check = {
  id: 'gates',
  title: 'Gates on files that exist',
  run: async (facts, say) => {
    await metrics(facts, say);
    const files = await facts.stepFiles();
    const uploaded = facts.rentsPod ? await facts.scan() : undefined;
    const asked = facts
      .steps()
      .flatMap(({ step, index }) =>
        step.gates.map((gate, k) => ({ step, index, gate, at: facts.place('steps', index, 'gates', k) })),
      );
    await Promise.all(
      asked.map(async ({ step, index, gate, at }) => {
        if (!('path' in gate)) {
          return;
        }
        const matching = files.filter((f) => names(gate.path, f.path));
        if (readsOneFile(gate) && isFolder(facts, gate.path, matching)) {
          say.error('gate-folder', {
            what: `A gate of the step ${step.name} looks at ${gate.path}, which is a folder.`,
            why: 'It reads one parquet file, and stops the pipeline where there is none.',
            next: 'Name one file in the folder, or let a script look at all of them.',
            at: [...at, 'path'],
          });
          return;
        }
        if (matching.length === 0 && !isOutput(facts, index, gate.path)) {
          say.warning('gate-no-output', {
            what: `A gate of the step ${step.name} looks at ${gate.path}, which no step up to there says that it writes.`,
            why: 'When the file is not there after the step, the pipeline stops.',
            next: 'Correct the path, or name the file among the outputs of its step.',
            at: [...at, 'path'],
          });
        }
        const onPod = step.where === 'pod';
        const there = matching.filter(
          (f) => !onPod || (uploaded?.files.some((u) => u.path === f.path) === true && !madeOnPod(facts, f.path)),
        );
        if (there.length === 0) {
          return;
        }
        try {
          const problem = await gateVerdict(facts, gate, there, AbortSignal.timeout(columnReadMs));
          if (problem !== undefined) {
            report(facts, say, { step, path: gate.path, problem, at });
          }
        } catch (error) {
          // A damaged file is told by its own check.
          say.unknown(
            `${gate.path} (gate of ${step.name}): ${error instanceof UnknownFact ? error.message : unknownBecause(error)}`,
          );
        }
      }),
    );
  },
};

const readsOneFile = (gate: Gate): boolean =>
  gate.type === 'rows' || gate.type === 'distinct' || gate.type === 'populated';

/** By what lies here, or by what the steps say that they write. */
function isFolder(facts: Facts, path: string, matching: readonly LocalFile[]): boolean {
  const within = `${path}/`;
  const written = facts.steps().flatMap(({ step }) => step.outputs ?? []);
  return matching.length > 0
    ? matching.every((f) => f.path.startsWith(within))
    : written.some((o) => o.startsWith(within));
}

/** Whether one of the steps up to this one may write the file; a step that names no outputs may write anything. */
function isOutput(facts: Facts, index: number, path: string): boolean {
  return facts
    .steps()
    .filter((other) => other.index <= index)
    .some(
      ({ step }) =>
        (step.outputs ?? []).length === 0 ||
        (step.outputs ?? []).some((o) => mayMeet(o, path) || mayMeet(o, `${path}/`)),
    );
}

const mostCode = 4 << 20;

/** A metric reaches its gate by a file that only a variable names: where no code has the variable, no step reports one. */
async function metrics(facts: Facts, say: Say): Promise<void> {
  const variable = 'RUNPOD_TRAINER_METRICS';
  const gated = facts.steps().filter(({ step }) => step.gates.some((g) => g.type === 'metric'));
  const inCommand = ({ step }: { step: Step }): boolean => step.shell?.includes(variable) === true;
  if (gated.every(inCommand)) {
    return;
  }
  const code = (await facts.scan()).files.filter((f) => f.size <= mostCode && !data.test(f.path));
  for (const file of code) {
    if ((await facts.read(file.path)).includes(variable)) {
      return;
    }
  }
  for (const { step, index } of gated.filter((one) => !inCommand(one))) {
    say.warning('metric-never', {
      what: `A gate of the step ${step.name} waits for a metric, and no code of the project writes any.`,
      why: `Metrics are lines of JSON in the file that ${variable} names; that name is in none of the uploaded files.`,
      next: 'Report the metric there, or take the gate out.',
      at: facts.place(
        'steps',
        index,
        'gates',
        step.gates.findIndex((g) => g.type === 'metric'),
      ),
    });
  }
}

/** Files that are no code. */
const data = /\.(parquet|csv|jsonl|tar|gz|zip|png|jpe?g|wav|mp3|safetensors|pth?|bin|npy|npz|arrow)$/i;

function madeOnPod(facts: Facts, path: string): boolean {
  return facts.steps('pod').some(({ step }) => (step.outputs ?? []).some((o) => names(o, path)));
}

function report(
  facts: Facts,
  say: Say,
  found: { step: Step; path: string; problem: string; at: (string | number)[] },
): void {
  const { step, path, problem, at } = found;
  const maker = facts.localMaker(path);
  const details = {
    what: `A gate of the step ${step.name} does not hold now: ${problem}.`,
    why:
      maker === undefined
        ? 'The pipeline would stop there, after the upload and with a pod that is paid for.'
        : `The step ${maker.name} makes the file again before the upload; when it makes the same, the run stops there and nothing is rented.`,
    next: maker === undefined ? 'Correct the file or the gate.' : 'Look whether its inputs are complete.',
    at,
  };
  if (maker === undefined) {
    say.error('gate-fails', details);
  } else {
    say.warning('gate-fails', details);
  }
}
