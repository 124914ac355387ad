import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Finding, Say } from '../finding.ts';
import { mayMeet } from '../overlap.ts';
import { notUploaded as whyNot } from '../not-uploaded.ts';
import type { Reach } from '../python.ts';
import { some } from '../text.ts';
import { checkFiles } from '../../../project/check.ts';
import type { ProblemFix } from '../../../project/problem.ts';
import type { Step } from '../../../project/schema.ts';

export const stepFiles: Check = {
  id: 'step-files',
  title: 'Scripts, modules and notebooks of the steps',
  run: async (facts, say) => {
    for (const problem of await checkFiles(facts.project, facts.root, facts.text)) {
      const { about, message, fix } = problem;
      const at = facts.place(...problem.path);
      if (about === 'requirements' || about === 'upload') {
        continue; // each has a check of its own
      }
      const details = {
        what: message,
        why:
          about === 'gate-script'
            ? 'A gate that cannot be evaluated stops the pipeline, after the step has done its work.'
            : 'The step could not start.',
        next: fix?.kind === 'file' ? 'Correct the name, or create the file.' : 'Correct it before the run.',
        at,
        ...fileFix(fix, at),
      };
      if (problem.severity === 'warning') {
        say.warning('nothing-uploaded', details);
      } else {
        say.error(about === 'gate-script' ? 'gate-script' : 'step-file', details);
      }
    }
    await notUploaded(facts, say);
    await reached(facts, say);
  },
};

/** The file that was probably meant, else a new one. */
export function fileFix(fix: ProblemFix | undefined, at: Finding['at']): Pick<Finding, 'fix'> {
  if (fix?.kind !== 'file') {
    return {};
  }
  const { near, create } = fix;
  if (near !== undefined) {
    return { fix: { title: `Use ${near}`, command: 'set-value', args: { path: at, value: near } } };
  }
  return create === undefined
    ? {}
    : { fix: { title: `Create ${create}`, command: 'create-file', args: { file: create } } };
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
  for (const one of needed.filter(({ path }) => !uploaded.has(path))) {
    for (const { reason, next } of whyNot(facts, [one])) {
      say.error('step-not-uploaded', {
        what: `The step ${one.step.name} runs ${one.path} on the pod, which ${reason}.`,
        why: 'It would fail at its start, on a pod that is paid for.',
        next,
        at: facts.place(...one.at),
      });
    }
  }
}

/** What the code of steps on the pod starts, installs or opens by a literal name. */
async function reached(facts: Facts, say: Say): Promise<void> {
  const steps = facts.steps('pod').filter(({ step }) => runsSomething(step));
  if (steps.length === 0) {
    return;
  }
  const { entries } = await facts.python();
  const paths = (await facts.scan()).files.map((f) => f.path);
  const uploaded = new Set(paths);
  for (const [position, { step, index }] of steps.entries()) {
    const entry = entries[step.name];
    const before = steps.slice(0, position).map((s) => s.step);
    const seen = new Map<string, Judged>();
    for (const reach of entry?.reaches ?? []) {
      const written = [step, ...before].some((s) => (s.outputs ?? []).some((o) => mayMeet(o, reach.path)));
      if (reach.path === '' || written || facts.localMaker(reach.path) !== undefined) {
        continue;
      }
      const here = statSync(join(facts.root, reach.path), { throwIfNoEntry: false });
      const there =
        here?.isDirectory() === true ? paths.some((p) => p.startsWith(`${reach.path}/`)) : uploaded.has(reach.path);
      // A step before it that does not say what it writes may write this.
      const sure = reach.sure && before.every((s) => s.outputs !== undefined);
      const state = here === undefined ? 'missing' : there ? 'there' : 'left';
      const known = seen.get(reach.path);
      if (known === undefined || (sure && !known.sure)) {
        seen.set(reach.path, { ...reach, sure, state });
      }
    }
    tell(facts, say, step, index, [...seen.values()]);
    await lineEnds(facts, say, step, index, [...seen.values()]);
  }
}

interface Judged extends Reach {
  /** `left`: it is here and not uploaded. */
  state: 'missing' | 'left' | 'there';
}

const isCode = ({ kind }: Reach): boolean => kind !== 'file' && kind !== 'read';
const isConfig = ({ kind, option }: Reach): boolean =>
  kind === 'file' && /conf|cfg|setting|recipe|deepspeed/i.test(option);

function runsSomething(step: Step): boolean {
  return [step.shell, step.notebook, step.script, step.module].some((what) => what !== undefined);
}

function tell(facts: Facts, say: Say, step: Step, index: number, all: Judged[]): void {
  const at = placeOfCode(facts, step, index);
  const shown = ({ path, unit, line }: Reach): string => `${path} (${unit}${line > 0 ? `, line ${line}` : ''})`;
  const left = all.filter((r) => r.state === 'left');
  for (const { items, reason, next } of whyNot(
    facts,
    left.filter((r) => isCode(r) && r.sure),
  )) {
    say.error('step-not-uploaded', {
      what: `The step ${step.name} starts ${some(items.map(shown))} on the pod, which ${reason}.`,
      why: 'It would fail there, on a pod that is paid for.',
      next,
      at,
    });
  }
  for (const { items, reason, next } of whyNot(
    facts,
    left.filter((r) => isCode(r) && !r.sure),
  )) {
    say.warning('step-not-uploaded', {
      what: `The step ${step.name} may start ${some(items.map(shown))} on the pod, which ${reason}.`,
      why: 'When it comes to that, and nothing before has made it there, it fails on a pod that is paid for.',
      next,
      at,
    });
  }
  for (const { items, reason, next } of whyNot(
    facts,
    left.filter((r) => !isCode(r)),
  )) {
    say.warning('file-not-uploaded', {
      what: `The step ${step.name} names ${some(items.map(shown))}, which ${reason}.`,
      why: `The ${items.length === 1 ? 'file is here, and the pod would not have it' : 'files are here, and the pod would not have them'}.`,
      next: `${next.replace(/\.$/, '')}, or name what a step writes among its outputs.`,
      at,
    });
  }
  const missing = all.filter((r) => r.state === 'missing' && r.sure && (isCode(r) || isConfig(r)));
  if (missing.length > 0) {
    say.warning('start-missing', {
      what: `The step ${step.name} needs ${some(missing.map(shown))}, which the project folder does not have.`,
      why: 'It works only when an earlier job or the image has left it in the project folder of the pod.',
      next: 'Correct the name, or add the file and upload it.',
      at,
    });
  }
}

/** A shell takes the carriage returns of Windows for a part of the words. */
async function lineEnds(facts: Facts, say: Say, step: Step, index: number, all: Judged[]): Promise<void> {
  for (const { path } of all.filter((r) => r.kind === 'shell' && r.state !== 'missing')) {
    const text = await facts.read(path).catch(() => undefined);
    if (text?.includes('\r\n') === true) {
      say.warning('script-line-ends', {
        what: `The script ${path}, which the step ${step.name} starts, has the line ends of Windows.`,
        why: 'A shell on the pod reads a carriage return at each end of a line as part of the last word.',
        next: 'Save it with the line ends of Unix (LF).',
        at: placeOfCode(facts, step, index),
      });
    }
  }
}

function placeOfCode(facts: Facts, step: Step, index: number): (string | number)[] {
  const field = (['shell', 'notebook', 'script', 'module'] as const).find((f) => step[f] !== undefined);
  return facts.place('steps', index, ...(field === undefined ? [] : [field]));
}
