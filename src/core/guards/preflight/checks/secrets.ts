import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';

/** Keys that their form gives away. */
const forms: [RegExp, string][] = [
  [/\brpa_[A-Za-z0-9]{20,}/, 'a RunPod API key'],
  [/\brps_[A-Za-z0-9]{20,}/, 'a RunPod S3 secret'],
  [/\bhf_[A-Za-z0-9]{30,}/, 'a Hugging Face token'],
  [/\bsk-[A-Za-z0-9_-]{20,}/, 'an API key'],
  [/\b(?:ghp|gho|ghs)_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}/, 'a GitHub token'],
  [/\bAKIA[0-9A-Z]{16}\b/, 'an AWS key'],
  [/\bxox[abps]-[A-Za-z0-9-]{10,}/, 'a Slack token'],
  [/\bwandb_v1_[A-Za-z0-9_]{20,}/, 'a Weights & Biases key'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a private key'],
  [/^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/@]+@/i, 'an address with a password'],
];

const secretName = /(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PAT|CREDENTIALS?)$/i;

export const secrets: Check = {
  id: 'secrets',
  title: 'Secrets',
  run: async (facts, say) => {
    inClear(facts, say);
    await known(facts, say);
  },
};

function inClear(facts: Facts, say: Say): void {
  const { project } = facts;
  const all = [
    ...Object.entries(project.env).map(([name, value]) => ({ name, value, at: facts.place('env', name) })),
    ...facts.steps().flatMap(({ step, index }) => [
      ...Object.entries(step.env ?? {}).map(([name, value]) => ({
        name,
        value,
        at: facts.place('steps', index, 'env', name),
      })),
      ...(step.args ?? []).map((value, k) => ({ name: '', value, at: facts.place('steps', index, 'args', k) })),
      ...Object.entries(step.parameters ?? {}).map(([name, value]) => ({
        name,
        value: typeof value === 'string' ? value : '',
        at: facts.place('steps', index, 'parameters', name),
      })),
    ]),
  ];
  for (const { name, value, at } of all) {
    const kind = forms.find(([form]) => form.test(value))?.[1];
    const label = name === '' ? 'An argument' : name;
    const next =
      'Take it out, make a new key since this one may have been seen, and name it in the "secrets" of the steps that need it.';
    if (kind !== undefined) {
      say.error('secret-in-clear', {
        what: `${label} holds ${kind} in clear.`,
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
      } else if (secret === undefined) {
        say.unknown('Whether the secrets are there was not looked up.');
      } else if (((await secret(name)) ?? '') === '') {
        say.error('secret-missing', {
          what: `The step ${step.name} asks for the secret ${name}, which is not known here.`,
          why: 'A step whose secret is missing fails.',
          next: 'Set it on this machine; the project file has only its name.',
          at,
          remedies: [{ do: 'set-secret', name }],
        });
      }
    }
  }
}
