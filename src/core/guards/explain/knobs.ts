import type { Step } from '../../project/schema.ts';
import type { Change, Evidence, ProjectPath, Value } from './types.ts';

/** A number that a project gives to a step. */
export interface Knob {
  /** As the project writes it: `--batch-size`, `BATCH_SIZE`. */
  name: string;
  value: number;
  /** The whole value at `path`; a shell command holds the number somewhere in it. */
  whole: Value;
  path: ProjectPath;
  /** The whole value with another number in it. */
  replaced: (value: number) => Value;
}

/** Names of knobs, the most telling first, in lower case with `_`. */
export const batchNames = [
  /^per_device_train_batch_size$/,
  /^(micro|train|training)_?batch_?size(_per_(device|gpu))?$/,
  /^batch_?size(_per_(device|gpu))?$/,
  /^(?!.*(eval|valid|test|num|accum)).*_batch(_?size)?$/,
  /^(batch|bs)$/,
];
export const accumulationNames = [
  /^(grad(ient)?_)?accum(ulation)?_steps$/,
  /^accumulate_grad_batches$/,
  /^grad(ient)?_accum(ulation)?$/,
];
export const learningRateNames = [/^(learning_?rate|lr)$/, /^(?!.*(sched|decay|warmup|min)).*_(learning_?rate|lr)$/];
export const workerNames = [/^(dataloader_)?num_workers$/, /^(data_?loader_)?workers$/, /^num_proc$/];

/** The number by one of these names that the step was given: from its own place first, then from the profile, then from all steps'. */
export function findKnob(
  { project, profile }: Evidence,
  stepName: string | undefined,
  names: readonly RegExp[],
): Knob | undefined {
  if (project === undefined) {
    return undefined;
  }
  const index = project.steps.findIndex((s) => s.name === stepName);
  const step = project.steps[index];
  const own = step === undefined ? [] : ownKnobs(step, ['steps', index]);
  const ofProfile = profile === undefined ? {} : (project.profiles[profile]?.env ?? {});
  const all = [...own, ...envKnobs(ofProfile, ['profiles', profile ?? '', 'env']), ...envKnobs(project.env, ['env'])];
  for (const name of names) {
    const found = all.find((knob) => name.test(plain(knob.name)));
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** A change of a knob, with its sentence. */
export function change(knob: Knob, to: number, why = ''): Change {
  const text = `Set ${knob.name} from ${knob.value} to ${to}${why === '' ? '' : `, ${why}`}.`;
  return { path: knob.path, from: knob.whole, to: knob.replaced(to), text };
}

function ownKnobs(step: Step, at: ProjectPath): Knob[] {
  const parameters = Object.entries(step.parameters ?? {}).flatMap(([name, value]) =>
    typeof value === 'number' ? [plainKnob(name, value, value, [...at, 'parameters', name], (v) => v)] : [],
  );
  return [
    ...parameters,
    ...argKnobs(step.args ?? [], [...at, 'args']),
    ...shellKnobs(step.shell, [...at, 'shell']),
    ...envKnobs(step.env ?? {}, [...at, 'env']),
  ];
}

function plainKnob(name: string, value: number, whole: Value, path: ProjectPath, replaced: Knob['replaced']): Knob {
  return { name, value, whole, path, replaced };
}

function envKnobs(env: Readonly<Record<string, string>>, at: ProjectPath): Knob[] {
  return Object.entries(env).flatMap(([name, text]) => {
    const value = numberOf(text);
    return value === undefined ? [] : [plainKnob(name, value, text, [...at, name], String)];
  });
}

/** `--batch-size 8`, `--batch-size=8`, `training.batch_size=8`. */
function argKnobs(args: readonly string[], at: ProjectPath): Knob[] {
  return args.flatMap((arg, i) => {
    const joined = /^(-{0,2}[A-Za-z][\w.-]*)=(.+)$/.exec(arg);
    const inside = numberOf(joined?.[2]);
    if (joined?.[1] !== undefined && inside !== undefined) {
      const [, name] = joined;
      return [plainKnob(name, inside, arg, [...at, i], (v) => `${name}=${v}`)];
    }
    const next = numberOf(args[i + 1]);
    return /^--?[A-Za-z][\w.-]*$/.test(arg) && next !== undefined
      ? [plainKnob(arg, next, args[i + 1] ?? '', [...at, i + 1], String)]
      : [];
  });
}

function shellKnobs(command: string | undefined, path: ProjectPath): Knob[] {
  if (command === undefined) {
    return [];
  }
  const found = command.matchAll(/(?<=^|\s)((?:--?)?[A-Za-z][\w.-]*)(=|\s+)([-+\d.][-+\w.]*)(?=$|[\s;&|)])/g);
  return [...found].flatMap(({ 0: text, 1: name = '', 2: between = '', 3: number, index }) => {
    const value = numberOf(number);
    if (value === undefined || (between !== '=' && !name.startsWith('-'))) {
      return [];
    }
    const replaced = (v: number): string =>
      `${command.slice(0, index)}${name}${between}${v}${command.slice(index + text.length)}`;
    return [plainKnob(name, value, command, path, replaced)];
  });
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text.trim()) ? Number(text) : undefined;
}

/** `--Batch-Size` and `trainer.batch_size` → `batch_size`. */
function plain(name: string): string {
  const last = name.replace(/^-+/, '').split('.').at(-1) ?? '';
  return last
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}
