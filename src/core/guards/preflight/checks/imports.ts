import type { Check } from '../check.ts';
import { shellName, type Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { packageFor, provided, provides } from '../packages.ts';
import type { PythonFacts } from '../python.ts';
import { notUploaded as whyNot } from '../not-uploaded.ts';
import { some } from '../text.ts';
import type { Step } from '../../../project/schema.ts';

export const imports: Check = {
  id: 'imports',
  title: 'Imports',
  run: async (facts, say) => {
    const python = await facts.python();
    ownModules(facts, say, python);
    await notUploaded(facts, say, python);
    for (const { step, index } of facts.steps()) {
      const outside = python.entries[step.name]?.outside ?? {};
      if (step.where === 'local') {
        here(facts, say, step, index, outside, python);
      } else {
        await onPod(facts, say, step, index, outside, python);
      }
    }
  },
};

type Outside = PythonFacts['entries'][string]['outside'];

/** Modules of the project's own packages that do not exist, wherever the step runs. */
function ownModules(facts: Facts, say: Say, { entries }: PythonFacts): void {
  const told = new Set<string>();
  for (const { step, index } of facts.steps()) {
    for (const [module, file, line, sure] of entries[step.name]?.missing ?? []) {
      const key = `${module} ${file}`;
      if (told.has(key)) {
        continue;
      }
      told.add(key);
      const details = {
        what: `${file}, line ${line} imports ${module}, which the project does not have.`,
        why: module.startsWith('.')
          ? 'A relative import needs a module of that name beside it, and none works in a script that is started itself.'
          : `The step ${step.name} would fail ${sure ? 'at its start' : 'when it comes to that import'}.`,
        next: 'Correct the name, or add the module.',
        at: facts.place('steps', index),
      };
      if (sure) {
        say.error('import-own', details);
      } else {
        say.warning('import-own', details);
      }
    }
  }
}

/** Modules of the project that steps on the pod import and that are not uploaded. */
async function notUploaded(facts: Facts, say: Say, { entries }: PythonFacts): Promise<void> {
  if (!facts.rentsPod) {
    return;
  }
  const uploaded = new Set((await facts.scan()).files.map((f) => f.path));
  const missing = new Map<string, number>();
  const sure = new Set<string>();
  for (const { step, index } of facts.steps('pod')) {
    const entry = entries[step.name];
    // What is started is told with the files of the steps, and cells and commands are no files.
    const started = new Set([...(entry?.reaches ?? []).map((r) => r.path), shellName(step)]);
    for (const file of entry?.files.filter((f) => !started.has(f) && !f.includes(', code cell ')) ?? []) {
      if (entry?.sure.includes(file) === true) {
        sure.add(file);
      }
      const isStep = file === step.script;
      const isModule =
        step.module !== undefined && file.replace(/(\/__main__)?\.py$/, '') === step.module.replaceAll('.', '/');
      if (!isStep && !isModule && !uploaded.has(file)) {
        missing.set(file, missing.get(file) ?? index);
      }
    }
  }
  const files = [...missing.keys()].filter((f) => !f.endsWith('/__init__.py') || missing.size === 1);
  const left = files.map((path) => ({ path }));
  for (const { items, reason, next } of whyNot(facts, left)) {
    const paths = items.map(({ path }) => path);
    const index = missing.get(paths[0] ?? '') ?? -1;
    const details = {
      what: `Steps on the pod import ${some(paths)}, which ${reason}.`,
      why: `The step ${facts.project.steps[index]?.name ?? ''} would fail with ModuleNotFoundError, on a pod that is paid for.`,
      next,
      at: facts.place('sync', 'must'),
    };
    if (paths.some((f) => sure.has(f))) {
      say.error('import-not-uploaded', details);
    } else {
      say.warning('import-not-uploaded', details);
    }
  }
}

function here(facts: Facts, say: Say, step: Step, index: number, outside: Outside, python: PythonFacts): void {
  const missing = Object.entries(outside).filter(
    ([name, [, , changesPath]]) => !changesPath && python.importable[name] === false,
  );
  const [first] = missing;
  if (first !== undefined) {
    const names = missing.map(([name]) => name);
    const details = {
      what: `The Python of this machine (${facts.installation.localPython}) has no ${some(names)}, which the step ${step.name} imports (${first[1][0]}, line ${first[1][1]}).`,
      why: 'The step runs on this machine, before the upload.',
      next: `Install ${some(names.map(packageFor))} there, or choose another Python.`,
      remedies: [{ do: 'set-python' } as const],
      at: facts.place('steps', index),
    };
    if (missing.some(([, [, , , sure]]) => sure)) {
      say.error('import-here', details);
    } else {
      say.warning('import-here', details);
    }
  }
}

async function onPod(
  facts: Facts,
  say: Say,
  step: Step,
  index: number,
  outside: Outside,
  python: PythonFacts,
): Promise<void> {
  const requirements = await facts.requirements();
  if (requirements !== undefined && (requirements.opaque || requirements.lines.some((l) => l.address))) {
    say.unknown('The requirements install packages whose contents are not known here, so imports cannot be compared.');
    return;
  }
  const { image } = facts;
  // Also what a step before it installs.
  const own = facts
    .steps('pod')
    .filter((s) => s.index <= index)
    .flatMap(({ step: s }) => installed(python.entries[s.name]?.installs ?? []));
  const asked = requirements?.lines.filter((l) => !l.constraint && l.applies !== false).flatMap((l) => l.name ?? []);
  const packages = provided([...(asked ?? []), ...own], image?.official);
  const missing = Object.entries(outside).filter(
    ([name, [, , changesPath]]) => !changesPath && !provides(packages, name, python.packages[name]),
  );
  const [first] = missing;
  if (first === undefined) {
    return;
  }
  const names = missing.map(([name]) => name);
  const details = {
    what: `The step ${step.name} imports ${some(names, 5)} (${first[1][0]}, line ${first[1][1]}), which ${image?.official === undefined ? 'the requirements file does not name' : 'neither the image nor the requirements file is known to have'}.`,
    why: 'Without it the step fails with ModuleNotFoundError, on a pod that is paid for.',
    next: `Add ${some(names.map(packageFor), 5)} to ${facts.project.target.requirements ?? 'a requirements file, and name that in "target.requirements"'}.`,
    at: facts.place('steps', index),
  };
  if (image?.official === undefined) {
    say.info('import-unsure', details);
  } else {
    say.warning('import-missing', details);
  }
}

/** Names of packages among the words of `pip install`. */
function installed(words: readonly string[]): string[] {
  return words.filter((word) => /^[A-Za-z]/.test(word)).map((word) => word.replace(/[[<>=!~;@\s].*$/, ''));
}
