import { whyNotMaskable } from '../../../contract.ts';
import { placesOf } from '../../../files/leaving.ts';
import { secretKindOf } from '../../../files/secret-kinds.ts';
import { byteText, count } from '../../../words/index.ts';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';

const secretName = /(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PAT|CREDENTIALS?)$/i;

export const secrets: Check = {
  id: 'secrets',
  title: 'Secrets',
  run: async (facts, say) => {
    inClear(facts, say);
    await known(facts, say);
    await inFiles(facts, say);
  },
};

function inClear(facts: Facts, say: Say): void {
  const { project } = facts;
  const all: { name: string; value: string; at: ReturnType<Facts['place']>; label?: string }[] = [
    ...Object.entries(project.env).map(([name, value]) => ({ name, value, at: facts.place('env', name) })),
    ...facts.steps().flatMap(({ step, index }) => [
      ...Object.entries(step.env ?? {}).map(([name, value]) => ({
        name,
        value,
        at: facts.place('steps', index, 'env', name),
      })),
      ...(step.args ?? []).map((value, k) => ({ name: '', value, at: facts.place('steps', index, 'args', k) })),
      ...(step.shell === undefined
        ? []
        : [{ name: '', value: step.shell, at: facts.place('steps', index, 'shell'), label: 'The command' }]),
      ...Object.entries(step.parameters ?? {}).map(([name, value]) => ({
        name,
        value: typeof value === 'string' ? value : JSON.stringify(value),
        at: facts.place('steps', index, 'parameters', name),
      })),
    ]),
  ];
  for (const { name, value, at, label = name === '' ? 'An argument' : name } of all) {
    const kind = secretKindOf(name === '' ? value : `${name}=${value}`);
    const next =
      'Take it out, make a new key since this one may have been seen, and name it in the "secrets" of the steps that need it.';
    if (kind !== undefined) {
      say.error('secret-in-clear', {
        what: `${label} holds a secret in clear (${kind}).`,
        why: 'The project file is not secret: it is shared, uploaded, and copied into the records of every job.',
        next,
        at,
      });
    } else if (secretName.test(name) && looksRandom(value)) {
      say.warning('secret-in-clear', {
        what: `${label} looks like a secret in clear.`,
        why: 'The project file is not secret: it is shared, uploaded, and copied into the records of every job.',
        next,
        at,
      });
    }
    if (/\{\{\s*RUNPOD_SECRET_/.test(value)) {
      say.error('secret-placeholder', {
        what: `${label} is RunPod's placeholder for a secret, which is not replaced in the variables of steps.`,
        why: 'The step would get the text of the placeholder.',
        next: 'Name the secret in the "secrets" of the step instead.',
        at,
      });
    }
  }
}

/** Long, without spaces, with digits and letters. */
function looksRandom(value: string): boolean {
  return value.length >= 16 && /^[\w+/=.-]+$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value);
}

async function known(facts: Facts, say: Say): Promise<void> {
  const { secret } = facts.options;
  for (const { step, index } of facts.steps()) {
    for (const [k, name] of (step.secrets ?? []).entries()) {
      const at = facts.place('steps', index, 'secrets', k);
      if (name.toUpperCase().startsWith('RUNPOD_')) {
        say.error('secret-reserved', {
          what: `The step ${step.name} asks for ${name}, which no step may have.`,
          why: 'Names that begin with RUNPOD_ are those of keys that can spend money and end pods.',
          next: 'Use a restricted key of its own under another name.',
          at,
        });
        continue;
      }
      if (secret === undefined) {
        say.unknown('Whether the secrets are there was not looked up.');
        continue;
      }
      const value = (await secret(name)) ?? '';
      const why = whyNotMaskable(value);
      if (value === '') {
        say.error('secret-missing', {
          what: `The step ${step.name} asks for the secret ${name}, which is not known here.`,
          why: 'A step whose secret is missing fails.',
          next: 'Set it on this machine; the project file has only its name.',
          at,
          remedies: [{ do: 'set-secret', name }],
        });
      } else if (why !== undefined) {
        say.error('secret-too-common', {
          what: `The secret ${name} of the step ${step.name} cannot be kept out of what the step prints.`,
          why,
          next: 'Use a longer one, or write it under "env" when it is no secret.',
          at,
          remedies: [{ do: 'set-secret', name }],
        });
      }
    }
  }
}

/** What a run or a sync would refuse to send. */
async function inFiles(facts: Facts, say: Say): Promise<void> {
  if (!facts.rentsPod) {
    return;
  }
  const { findings, unsearched } = await facts.secretsInFiles();
  if (findings.length > 0) {
    say.error('secret-in-file', {
      what: `Files that would be uploaded hold what looks like a secret: ${placesOf(findings)}.`,
      why: 'On the volume everybody with access to the account can read it, so nothing is sent.',
      next: 'Take it out and name it in the "secrets" of the steps that need it, or put the file under "sync.never" or in .runpodignore; "sync.allowSecrets" lists files that may go.',
      at: facts.place('sync'),
    });
  }
  if (unsearched.files > 0) {
    const what = `${count(unsearched.files, 'file')} (${byteText(unsearched.bytes)})`;
    say.passOver(`${what} of data, archives, pictures or sound: not searched for secrets.`);
  }
}
