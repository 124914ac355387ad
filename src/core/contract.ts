/**
 * What client and worker agree on, read by both from the folder `contract/`: numbers, and what a credential looks like.
 * `contract/README.md` says why each number is what it is.
 */
import credentials from '../../contract/credentials.json' with { type: 'json' };

export { default as limits } from '../../contract/limits.json' with { type: 'json' };

const names = new RegExp(credentials.names);
const values = new RegExp(credentials.values);
const runpodNames = new RegExp(credentials.runpodNames);
const harmlessRunpodNames = new RegExp(`^(?:${credentials.harmlessRunpodNames})$`);

/** Whether a variable looks like a credential, by its name or its value: no program of the project is given it unasked. */
export function isCredential(name: string, value: string): boolean {
  const capitals = name.toUpperCase();
  return runpodNames.test(capitals) ? !harmlessRunpodNames.test(capitals) : names.test(capitals) || values.test(value);
}
