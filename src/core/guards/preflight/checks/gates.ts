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
    await variables(facts, say);
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
        const isSent = step.where === 'pod' && matching.some((f) => uploaded?.files.some((u) => u.path === f.path));
        if (believesNothing(facts, { step, index, gate }, { isHere: matching.length > 0, isSent })) {
          say.warning('gate-stale', {
            what: `A gate of the step ${step.name} looks at ${gate.path}, which is there before the step and is none of its outputs.`,
            why: 'What a step did not write proves nothing of it: unless it writes that again, the gate is an error and the pipeline stops.',
            next: 'Name it among the outputs of the step when it writes it, or set "allowStale" where the step only checks it.',
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

/** Whether the gate looks at what is uploaded or made by an earlier step, as far as the project file says. */
function believesNothing(
  facts: Facts,
  { step, index, gate }: { step: Step; index: number; gate: Extract<Gate, { path: string }> },
  { isHere, isSent }: { isHere: boolean; isSent: boolean },
): boolean {
  const writes = (one: Step): boolean =>
    (one.outputs ?? []).some((o) => mayMeet(o, gate.path) || mayMeet(o, `${gate.path}/`));
  const earlier = facts.steps().some((other) => other.index < index && writes(other.step));
  // Of a step that names no outputs only what it reads, and what is brought to the pod, is known to be another's.
  const isRead = (step.inputs ?? []).some((i) => mayMeet(i, gate.path) || mayMeet(i, `${gate.path}/`));
  const isOthers = (step.outputs ?? []).length > 0 ? isHere || earlier : isRead || earlier || isSent;
  return step.allowStale !== true && gate.allowStale !== true && !writes(step) && isOthers;
}

const mostCode = 4 << 20;
const metricsVariable = 'RUNPOD_TRAINER_METRICS';
const resumeVariable = 'RUNPOD_TRAINER_RESUME_FROM';

/** A metric reaches its gate by a file that only a variable names, and a step learns of its checkpoint by another one. */
async function variables(facts: Facts, say: Say): Promise<void> {
  const gated = facts.steps().filter(({ step }) => step.gates.some((g) => g.type === 'metric'));
  for (const { step, index } of await withoutWord(facts, gated, metricsVariable)) {
    say.warning('metric-never', {
      what: `A gate of the step ${step.name} waits for a metric, and no code of the ${step.shell === undefined ? 'project' : 'step'} writes any.`,
      why: `Metrics are lines of JSON in the file that ${metricsVariable} names; that name is in ${step.shell === undefined ? 'none of the uploaded files' : 'nothing that it runs'}.`,
      next: 'Report the metric there, or take the gate out.',
      at: facts.place(
        'steps',
        index,
        'gates',
        step.gates.findIndex((g) => g.type === 'metric'),
      ),
    });
  }
  const resumed = facts.steps().filter(({ step }) => step.checkpoints !== undefined);
  for (const { step, index } of await withoutWord(facts, resumed, resumeVariable)) {
    say.warning('resume-never', {
      what: `The step ${step.name} names its checkpoints, and no code of the project asks from which one to go on.`,
      why: `After a failure the step finds the path of the last complete one in ${resumeVariable}; else it starts anew.`,
      next: 'Load the checkpoint of that path at the start where it is set.',
      at: facts.place('steps', index, 'checkpoints'),
    });
  }
}

interface Placed {
  step: Step;
  index: number;
}

/** The steps that cannot have the variable: neither their command nor any code that they may run has its name. */
async function withoutWord(facts: Facts, steps: Placed[], variable: string): Promise<Placed[]> {
  const asking = steps.filter(({ step }) => step.shell?.includes(variable) !== true);
  if (asking.length === 0) {
    return [];
  }
  const code = (await facts.scan()).files.filter((f) => f.size <= mostCode && !data.test(f.path));
  for (const file of code) {
    if ((await facts.read(file.path)).includes(variable)) {
      // Some code of the project has it: a command that runs none of that has it not.
      const entries = await facts.python().then(
        (python) => python.entries,
        () => undefined,
      );
      const runsNone = ({ name }: Step): boolean =>
        entries !== undefined && !(entries[name]?.files ?? []).some((one) => code.some((f) => f.path === one));
      return asking.filter(({ step }) => step.shell !== undefined && runsNone(step));
    }
  }
  return asking;
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
