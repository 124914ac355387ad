/** Keys and indexes of a value of the project file. */
export type Path = (string | number)[];

/**
 * Where a value stands, as people say it and count it: `"min" of gate 1 of step "train"`, `entry 2 of "target.gpus"`.
 * @param project the file's value as far as it can be read; steps are called by their names where these are unique.
 */
export function placeWords(path: Path, project: unknown): string {
  const [group, key, ...rest] = path;
  if (group === undefined) {
    return 'the project file';
  }
  if (group === 'steps' && typeof key === 'number') {
    const [gates, gate, ...ofGate] = rest;
    const step = stepWords(key, project);
    return gates === 'gates' && typeof gate === 'number'
      ? below(ofGate, `gate ${gate + 1} of ${step}`)
      : below(rest, step);
  }
  return group === 'profiles' && typeof key === 'string' ? below(rest, `profile "${key}"`) : below(path, '');
}

/** `step "train"`, or `step 2` where the name is missing or stands twice. */
export function stepWords(index: number, project: unknown): string {
  const names = stepNames(project);
  const name = names[index];
  return name === undefined || names.filter((n) => n === name).length > 1 ? `step ${index + 1}` : `step "${name}"`;
}

/** The names of the steps, undefined where one has none; of any value. */
export function stepNames(project: unknown): (string | undefined)[] {
  const steps = (project as { steps?: unknown } | null | undefined)?.steps;
  return Array.isArray(steps)
    ? steps.map((step: unknown) => {
        const name = (step as { name?: unknown } | null | undefined)?.name;
        return typeof name === 'string' && name !== '' ? name : undefined;
      })
    : [];
}

/** A list of words as a sentence has it: `a, b or c`. */
export function either(words: readonly string[], joint: 'or' | 'and' = 'or'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${joint} ${last}`;
}

/** With a capital letter where it begins with a letter. */
export function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function below(path: Path, whole: string): string {
  let words = whole;
  let keys: string[] = [];
  const close = (): string => {
    const named = keys.length === 0 ? '' : `"${keys.join('.')}"`;
    keys = [];
    return named === '' ? words : words === '' ? named : `${named} of ${words}`;
  };
  for (const part of path) {
    if (typeof part === 'number') {
      words = `entry ${part + 1} of ${close()}`;
    } else {
      keys.push(part);
    }
  }
  return close();
}
