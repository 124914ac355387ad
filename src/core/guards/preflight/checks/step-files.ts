import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { checkFiles } from '../../../project/check.ts';

export const stepFiles: Check = {
  id: 'step-files',
  title: 'Scripts, modules and notebooks of the steps',
  run: async (facts, say) => {
    for (const problem of await checkFiles(facts.project, facts.root, facts.text)) {
      const details = {
        what: problem.message,
        why: 'The step could not start.',
        next: problem.fix?.kind === 'create' ? 'Correct the name, or create the file.' : 'Correct it before the run.',
        at: facts.place(...problem.path),
        ...(problem.fix?.kind === 'create' && {
          fix: {
            title: `Create ${problem.fix.file}`,
            command: 'create-file' as const,
            args: { file: problem.fix.file },
          },
        }),
      };
      if (problem.severity === 'error') {
        say.error('step-file', details);
      } else {
        say.warning('nothing-uploaded', details);
      }
    }
    gateScripts(facts, say);
    await notUploaded(facts, say);
  },
};

function gateScripts(facts: Facts, say: Say): void {
  for (const { step, index } of facts.steps()) {
    for (const [k, gate] of step.gates.entries()) {
      if (gate.type === 'script' && !existsSync(join(facts.root, gate.script))) {
        say.error('gate-script', {
          what: `The script ${gate.script} of a gate of the step ${step.name} does not exist.`,
          why: 'A gate that cannot be evaluated stops the pipeline, after the step has done its work.',
          next: 'Correct the name, or create the file.',
          at: facts.place('steps', index, 'gates', k, 'script'),
          fix: { title: `Create ${gate.script}`, command: 'create-file', args: { file: gate.script } },
        });
      }
    }
  }
}

/** A step on the pod can only run what is uploaded. */
async function notUploaded(facts: Facts, say: Say): Promise<void> {
  if (!facts.rentsPod) {
    return;
  }
  const { files } = await facts.scan();
  const uploaded = new Set(files.map((f) => f.path));
  const needed = facts.steps('pod').flatMap(({ step, index }) => {
    const modulePath = step.module?.split('.').join('/');
    const candidates: { path: string; at: (string | number)[] }[] = [
      ...(step.script === undefined ? [] : [{ path: step.script, at: ['steps', index, 'script'] }]),
      ...(step.notebook === undefined ? [] : [{ path: step.notebook, at: ['steps', index, 'notebook'] }]),
      ...(modulePath === undefined
        ? []
        : [`${modulePath}.py`, `${modulePath}/__main__.py`].map((path) => ({ path, at: ['steps', index, 'module'] }))),
      ...step.gates.flatMap((g, k) =>
        g.type === 'script' ? [{ path: g.script, at: ['steps', index, 'gates', k, 'script'] }] : [],
      ),
    ];
    return candidates.filter((c) => existsSync(join(facts.root, c.path))).map((c) => ({ ...c, step }));
  });
  for (const { path, at, step } of needed) {
    if (!uploaded.has(path)) {
      say.error('step-not-uploaded', {
        what: `The step ${step.name} runs ${path} on the pod, but "sync" does not upload it.`,
        why: 'It would fail at its start, on a pod that is paid for.',
        next: `Add "${path}" or its folder to "sync.must", or narrow the rule of "sync.never" that leaves it out.`,
        at: facts.place(...at),
      });
    }
  }
}
