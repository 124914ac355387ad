import { UserError } from '../errors.ts';

/** Variable of a pod with the restricted key; where the pod is listed it has RunPod's placeholder for the secret. */
export const endKeyVariable = 'RUNPOD_TRAINER_END_KEY';

/** How a key of one's own is made and named, as what to do next. */
export const makeEndKey =
  'To let the pod end itself, make a restricted key in the RunPod console with the right to write pods and nothing else, keep it there under Secrets, and give this program the name of that secret.';

/** Whether RunPod takes this as the name of a secret. */
export function isSecretName(name: string): boolean {
  return name.length <= 191 && /^[A-Za-z_][\w.\-/]*$/.test(name) && !/^runpod/i.test(name);
}

/**
 * The variable by which a pod is given the key in this secret of the account; nothing without one.
 * @throws UserError `secret-name`
 */
export function endKeyEnv(secret: string | undefined): Record<string, string> {
  if (secret === undefined) {
    return {};
  }
  if (!isSecretName(secret)) {
    throw new UserError('secret-name', {
      what: `"${secret}" cannot be the name of a secret.`,
      why: 'RunPod allows a letter or "_", then letters, digits, "_", ".", "-" and "/", and no name that begins with RUNPOD.',
      next: 'Correct the name that is set. It is the name of the secret, never the key itself.',
      remedies: [{ do: 'set-end-key-secret' }],
    });
  }
  return { [endKeyVariable]: `{{ RUNPOD_SECRET_${secret} }}` };
}
