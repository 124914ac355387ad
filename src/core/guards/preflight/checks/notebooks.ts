import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { nearest } from '../../../project/nearest.ts';
import { isPython, type Notebook } from '../../../project/notebook.ts';
import { some } from '../text.ts';
import type { Step } from '../../../project/schema.ts';

export const notebooks: Check = {
  id: 'notebooks',
  title: 'Notebooks',
  run: async (facts, say) => {
    for (const { step, index } of facts.steps()) {
      // A notebook that cannot be read is told with the files of the steps.
      const notebook =
        step.notebook === undefined ? undefined : await facts.notebook(step.notebook).catch(() => undefined);
      if (notebook !== undefined) {
        look(facts, say, notebook, index);
        await parameters(facts, say, step, notebook, index);
      }
    }
  },
};

function look(facts: Facts, say: Say, notebook: Notebook, index: number): void {
  const { path, language, cells } = notebook;
  const at = facts.place('steps', index, 'notebook');
  if (!isPython(notebook)) {
    say.error('notebook-language', {
      what: `${path} is a notebook for ${language}.`,
      why: 'Steps run in a Python kernel.',
      next: 'Choose a Python kernel in the editor and save it.',
      at,
    });
  }
  if (cells.every((c) => c.source.trim() === '')) {
    say.warning('notebook-empty', {
      what: `${path} has no code.`,
      why: 'The step would pass without doing anything.',
      next: 'Save the notebook in the editor, or name another one.',
      at,
    });
  }
  const expected = ['raises-exception', 'skip-execution'];
  const failed = cells.filter((c) => c.error !== undefined && !c.tags.some((tag) => expected.includes(tag)));
  if (failed.length > 0) {
    say.warning('notebook-error-left', {
      what: `${path} was saved with errors in its outputs: ${some(failed.map((c) => `code cell ${c.cell} (${c.error ?? ''})`))}.`,
      why: 'Its last run here failed, and would on the pod.',
      next: 'Run it through here on a little data, or clear the outputs when the error is old.',
      at,
    });
  }
}

async function parameters(facts: Facts, say: Say, step: Step, notebook: Notebook, index: number): Promise<void> {
  const names = Object.keys(step.parameters ?? {});
  if (names.length === 0) {
    return;
  }
  const cell = notebook.cells.find((c) => c.tags.includes('parameters'));
  if (cell === undefined) {
    say.warning('parameters-cell', {
      what: `The step ${step.name} gives ${some(names)} to ${notebook.path}, which has no cell tagged "parameters".`,
      why: 'The values are set before the first cell, and what the notebook sets itself wins over them.',
      next: 'Tag the cell that holds the defaults with "parameters".',
      at: facts.place('steps', index, 'parameters'),
    });
    return;
  }
  const found = (await facts.python()).entries[step.name]?.parameters ?? {};
  const known = [...cell.source.matchAll(/^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=(?!=)/gm)].map((m) => m[1] ?? '');
  for (const name of names.filter((n) => found[n] === 'unknown')) {
    const near = nearest(name, known);
    say.warning('parameter-unknown', {
      what: `${notebook.path} has no parameter "${name}".`,
      why: `Its cell tagged "parameters" sets ${known.length === 0 ? 'none' : some(known, 6)}, and no cell uses the name, so the value changes nothing.`,
      next: near === undefined ? 'Correct the name, or add it to the cell.' : `Did you mean "${near}"?`,
      at: facts.place('steps', index, 'parameters', name),
    });
  }
}
