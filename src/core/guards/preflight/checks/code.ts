import type { Check } from '../check.ts';
import { some } from '../text.ts';

/** What the pods' Python understands at least; an older one here may not read newer code. */
const podPython = [3, 10] as const;

export const code: Check = {
  id: 'code',
  title: 'Python code',
  run: async (facts, say) => {
    const { errors, entries, version } = await facts.python();
    const [major, minor] = version;
    const old = major < podPython[0] || minor < podPython[1];
    for (const [file, { line, text }] of Object.entries(errors)) {
      const index = facts.project.steps.findIndex((s) => entries[s.name]?.files.includes(file));
      if (index === -1) {
        continue;
      }
      const details = {
        what: `${file}${line > 0 ? `, line ${line}` : ''} is not valid Python: ${text}.`,
        why: `The step ${facts.project.steps[index]?.name ?? ''} needs it and would fail.`,
        next: 'Correct it.',
        at: facts.place('steps', index),
      };
      if (old) {
        const why = `${details.why} It was read by Python ${major}.${minor}, which is older than the pod's and may be wrong.`;
        say.warning('syntax', { ...details, why });
      } else {
        say.error('syntax', details);
      }
    }
    for (const [index, step] of facts.project.steps.entries()) {
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
