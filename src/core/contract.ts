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

const common = new RegExp(`^(?:${credentials.commonSecrets})$`, 'i');

/** Whether a variable looks like a credential, by its name or its value: no program of the project is given it unasked. */
export function isCredential(name: string, value: string): boolean {
  const capitals = name.toUpperCase();
  return runpodNames.test(capitals) ? !harmlessRunpodNames.test(capitals) : names.test(capitals) || values.test(value);
}

/** Why a secret cannot be kept out of what steps print, or undefined: hiding it would hide half the output. */
export function whyNotMaskable(value: string): string | undefined {
  const bare = value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  const { shortestSecret, fewestCharacters } = credentials;
  if (Array.from(bare).length < shortestSecret) {
    return `It has fewer than ${shortestSecret} characters, which stand in other words by chance.`;
  }
  if (new Set(bare).size < fewestCharacters) {
    return `It has fewer than ${fewestCharacters} different characters, which stand in other output by chance.`;
  }
  return common.test(bare) ? 'It is a common word or number, which stands in other output too.' : undefined;
}
