import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import type { PythonFacts } from '../python.ts';
import { some } from '../text.ts';
import { nearest } from '../../../project/nearest.ts';
import type { Step } from '../../../project/schema.ts';

type Entry = PythonFacts['entries'][string];

/** What the pods' Python understands at least; an older one here may not read newer code. */
const podPython = [3, 10] as const;

export const code: Check = {
  id: 'code',
  title: 'Python code',
  run: async (facts, say) => {
    pythonName(facts, say);
    const { errors, entries, version, unjudged } = await facts.python();
    const [major, minor] = version;
    const old = major < podPython[0] || minor < podPython[1];
    if (unjudged.length > 0) {
      say.unknown(
        `The Python of this machine has no IPython that reads ${some(unjudged)}, so whether that is valid was not checked.`,
      );
    }
    for (const [file, { line, text, sure }] of Object.entries(errors)) {
      const needs = (list: 'files' | 'sure') =>
        facts.project.steps.findIndex((s) => entries[s.name]?.[list].includes(file));
      const isNeeded = sure && needs('sure') !== -1;
      const index = isNeeded ? needs('sure') : needs('files');
      if (index === -1) {
        continue;
      }
      const details = {
        what: `${file}${line > 0 ? `, line ${line}` : ''} is not valid Python: ${text}.`,
        why: `The step ${facts.project.steps[index]?.name ?? ''} needs it and would fail.`,
        next: 'Correct it.',
        at: facts.place('steps', index),
      };
      if (!isNeeded) {
        const why = sure
          ? `The step ${facts.project.steps[index]?.name ?? ''} fails when it comes to need it.`
          : `It was read by Python ${major}.${minor}; a later one on the pod may take it.`;
        say.warning('syntax', { ...details, why });
      } else if (old) {
        const why = `${details.why} It was read by Python ${major}.${minor}, which is older than the pod's and may be wrong.`;
        say.warning('syntax', { ...details, why });
      } else {
        say.error('syntax', details);
      }
    }
    for (const [index, step] of facts.project.steps.entries()) {
      unknownOptions(facts, say, step, index, entries[step.name]);
      const waits = entries[step.name]?.waits ?? [];
      if (waits.length > 0) {
        say.warning('waits-for-input', {
          what: `The step ${step.name} asks for input: ${some(waits.map(([file, line]) => `${file}, line ${line}`))}.`,
          why: 'Nobody can answer in a job: it fails there, or waits while the pod is paid for.',
          next: 'Take the value from an argument, a parameter or an environment variable.',
          at: facts.place('steps', index),
        });
      }
    }
  },
};

/** The name of a program or its path: nothing splits it into words. */
function pythonName(facts: Facts, say: Say): void {
  const { python } = facts.project.target;
  if (facts.rentsPod && /\s-/.test(python)) {
    say.error('python-name', {
      what: `"${python}" is not the name of a Python but a command with arguments.`,
      why: 'The pod would look for a program of that whole name.',
      next: 'Name the program alone, such as "python3" or "/opt/conda/bin/python".',
      at: facts.place('target', 'python'),
    });
  }
}

/** Options that argparse would refuse, where the code uses nothing else. */
function unknownOptions(facts: Facts, say: Say, step: Step, index: number, entry: Entry | undefined): void {
  for (const [option, unit] of entry?.unknownOptions ?? []) {
    const near = nearest(option, entry?.options ?? []);
    say.warning('argument-unknown', {
      what: `The step ${step.name} gives ${option} to code that has no such option (${unit}).`,
      why: 'argparse refuses what it does not know, and the step fails at its start.',
      next: near === undefined ? 'Correct it, or add the option to the parser.' : `Did you mean ${near}?`,
      at: facts.place('steps', index, step.args === undefined ? 'shell' : 'args'),
    });
  }
}
