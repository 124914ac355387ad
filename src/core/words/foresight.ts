/** What of a step's foresight only the volume can tell: whether it runs at all, or whether its outputs are untouched. */
export type Unsure = 'run' | 'outputs';

/**
 * What a step will do: `will run: code train.py changed`, `is skipped: nothing changed since it passed`, or what of it is
 * not known.
 */
export function foresightText({
  runs,
  why,
  unsure,
}: {
  runs: boolean;
  why: string;
  unsure?: Unsure | undefined;
}): string {
  if (unsure === 'run') {
    return `is not known to be skipped: ${why}`;
  }
  const left = unsure === 'outputs' ? ', if its outputs are still there as they were left' : '';
  return `${runs ? 'will run' : `is skipped${left}`}: ${why}`;
}

/** Why it is not known whether a step runs again, of a file that it may depend on. */
export const otherThere = {
  /** What lies there is neither what is here nor what this computer last put there. */
  filled: (path: string): string => `another computer has filled the volume since (${path})`,
  /** A transfer put it there, and it makes way. */
  gone: (path: string): string => `${path} is on the volume and not part of this run any more`,
};

/** What the worker says of a step of which no run has passed yet. */
export const notPassed = 'it never ran, or its last run did not pass';

/** The reasons of a step that tell something: that a step runs of which none has passed yet is no news. */
export function tellingReasons(why: readonly string[]): string[] {
  return why.filter((reason) => reason !== notPassed);
}

/** What follows the name of a step that starts: its reasons; nothing where it has none that tell something. */
export function reasonText(why: readonly string[]): string {
  const told = tellingReasons(why);
  return told.length === 0 ? '' : `: ${told.join('; ')}`;
}
