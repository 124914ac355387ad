import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import { names } from '../overlap.ts';
import type { Step } from '../../../project/schema.ts';

export const ages: Check = {
  id: 'ages',
  title: 'Ages of data files',
  run: async (facts, say) => {
    if (!facts.rentsPod) {
      return;
    }
    const { files } = await facts.scan();
    for (const { step, index } of facts.steps()) {
      const code = codeOf(facts, step);
      if (code === undefined) {
        continue;
      }
      const made = files.filter((f) => f.list === 'data' && (step.outputs ?? []).some((o) => names(o, f.path)));
      const old = made.find((f) => f.mtimeMs < code.mtimeMs);
      if (old === undefined) {
        continue;
      }
      const what = `${old.path} is older than ${code.path}, which makes it.`;
      const at = facts.place('steps', index);
      if (step.where === 'local') {
        say.info('data-older', {
          what,
          why: 'When the code has really changed, the run makes the file again before the upload.',
          next: 'Nothing has to be done.',
          at,
        });
      } else {
        say.warning('data-older', {
          what,
          why: `The file of this machine is uploaded, and the step ${step.name} that makes it runs on the pod only.`,
          next: 'Take the file out of "sync.data", or make it again here.',
          at,
        });
      }
    }
  },
};

function codeOf(facts: Facts, step: Step): { path: string; mtimeMs: number } | undefined {
  const module = step.module?.replaceAll('.', '/');
  const candidates = [step.script, step.notebook, module && `${module}.py`, module && `${module}/__main__.py`];
  for (const path of candidates) {
    const mtimeMs = path === undefined ? undefined : facts.changed(path);
    if (path !== undefined && mtimeMs !== undefined) {
      return { path, mtimeMs };
    }
  }
  return undefined;
}
