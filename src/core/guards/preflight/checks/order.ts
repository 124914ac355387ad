import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { mayMeet, names } from '../overlap.ts';
import { ruleText } from '../../../files/excluded.ts';
import { hiddenBy } from '../../../files/to-upload.ts';
import type { Step } from '../../../project/schema.ts';

export const order: Check = {
  id: 'order',
  title: 'Order of the steps',
  run: async (facts, say) => {
    const files = await facts.stepFiles();
    // Local steps run first, wherever they stand.
    const running = [...facts.steps('local'), ...facts.steps('pod')];
    for (const [position, { step, index }] of running.entries()) {
      const before = running.slice(0, position).map((s) => s.step);
      const after = running.slice(position + 1).map((s) => s.step);
      for (const [k, input] of (step.inputs ?? []).entries()) {
        const at = facts.place('steps', index, 'inputs', k);
        if (writes(step, input) || before.some((s) => writes(s, input))) {
          carried(facts, say, { step, input, at, before });
          continue;
        }
        const later = after.find((s) => writes(s, input));
        const there = files.some((f) => names(input, f.path));
        if (later !== undefined) {
          late(facts, say, { step, later, input, at });
        } else if (step.where === 'local' && !there) {
          say.error('input-missing', {
            what: `The step ${step.name} reads ${input}, which does not exist, and no earlier step makes it.`,
            why: 'The run would stop there.',
            next: 'Make it, correct the name, or name it among the outputs of the step that writes it.',
            at,
          });
        } else if (step.where === 'pod') {
          await onPod(facts, say, { step, input, at });
        }
      }
    }
  },
};

interface Read {
  step: Step;
  input: string;
  at: (string | number)[];
}

function writes(step: Step, input: string): boolean {
  return (step.outputs ?? []).some((o) => mayMeet(o, input));
}

function late(facts: Facts, say: Say, { step, later, input, at }: Read & { later: Step }): void {
  const sides = step.where === 'local' && later.where === 'pod';
  say.warning(sides ? 'order-sides' : 'order', {
    what: `The step ${step.name} reads ${input}, which only the later step ${later.name} writes.`,
    why: sides
      ? 'Steps on this machine run before those on the pod.'
      : 'In a first run it is not there yet; in later ones the step works with what the run before has left.',
    next: sides ? `Run ${step.name} on the pod.` : `Put ${later.name} before ${step.name}.`,
    at,
  });
}

/** What a local step makes for a step on the pod has to be uploaded. */
function carried(facts: Facts, say: Say, { step, input, at, before }: Read & { before: Step[] }): void {
  const makers = before.filter((s) => writes(s, input));
  // Without a maker the step reads what it wrote itself, as one that goes on from its own checkpoint does.
  if (step.where !== 'pod' || makers.length === 0 || makers.some((s) => s.where === 'pod')) {
    return;
  }
  const { must, data, optional, archives = [] } = facts.project.sync;
  const lists = [...must, ...data, ...optional, ...archives.map((a) => a.to)];
  const rule = hiddenBy(facts, input, input.endsWith('/'));
  if (rule !== undefined || !lists.some((entry) => mayMeet(entry, input))) {
    const made = `which the local step ${makers.map((s) => s.name).join(' and ')} makes`;
    say.error('input-not-uploaded', {
      what: `The step ${step.name} reads ${input}, ${made}, but ${rule === undefined ? '"sync" does not upload it' : `${ruleText(rule)} leaves it out`}.`,
      why: 'The step would not find it on the pod.',
      next: rule === undefined ? 'Add it to "sync.data".' : 'Make the rule narrower, or let the step write elsewhere.',
      at,
    });
  }
}

async function onPod(facts: Facts, say: Say, { step, input, at }: Read): Promise<void> {
  const { files, archives, missing } = await facts.scan();
  const found =
    files.some((f) => names(input, f.path)) || archives.some((a) => names(input, a.to) || mayMeet(input, a.to));
  // An entry of the lists that matches nothing is told by the check of the upload.
  if (!found && !missing.some((m) => mayMeet(m.pattern, input))) {
    say.warning('input-nowhere', {
      what: `The step ${step.name} reads ${input}, which is neither uploaded nor made by an earlier step.`,
      why: 'It works only when an earlier job has left it on the volume.',
      next: 'Add it to "sync.data", or name it among the outputs of the step that writes it.',
      at,
    });
  }
}
