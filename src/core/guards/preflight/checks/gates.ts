import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { gateVerdict } from '../gate-verdict.ts';
import { UnknownFact, unknownBecause } from '../memo.ts';
import { names } from '../overlap.ts';
import type { Step } from '../../../project/schema.ts';

const columnReadMs = 1500;

export const gates: Check = {
  id: 'gates',
  title: 'Gates on files that exist',
  run: async (facts, say) => {
    const files = await facts.stepFiles();
    const uploaded = facts.rentsPod ? await facts.scan() : undefined;
    const asked = facts
      .steps()
      .flatMap(({ step, index }) =>
        step.gates.map((gate, k) => ({ step, gate, at: facts.place('steps', index, 'gates', k) })),
      );
    await Promise.all(
      asked.map(async ({ step, gate, at }) => {
        if (!('path' in gate)) {
          return;
        }
        const matching = files.filter((f) => names(gate.path, f.path));
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
