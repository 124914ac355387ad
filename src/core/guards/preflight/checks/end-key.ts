import { capNote } from '../../../home/capabilities.ts';
import { isSecretName, makeEndKey } from '../../../pods/end-key.ts';
import type { Check } from '../check.ts';

const consoleSettings = 'https://console.runpod.io/user/settings';
const consoleSecrets = 'https://console.runpod.io/user/secrets';

/** Whether the pod has a key by which it can end itself, as far as that can be known before it runs. */
export const endKey: Check = {
  id: 'end-key',
  title: 'End of the pod',
  run: async (facts, say) => {
    if (!facts.rentsPod) {
      return;
    }
    const secret = facts.installation.endKeySecret;
    const at = facts.place('caps');
    if (secret === undefined) {
      const note = capNote(await facts.account.capabilities());
      if (note !== undefined) {
        say.warning('cap-unarmed', {
          what: `${note}.`,
          why: 'With this computer off, only the balance would end the pod.',
          next: `Keep this computer on and connected while the job runs. ${makeEndKey}`,
          at,
          remedies: [{ do: 'set-end-key-secret' }],
          fix: { title: 'Make a key in the RunPod console', command: 'open-url', args: { url: consoleSettings } },
        });
      }
      return;
    }
    const fix = {
      title: 'Open the secrets in the RunPod console',
      command: 'open-url' as const,
      args: { url: consoleSecrets },
    };
    if (!isSecretName(secret)) {
      say.error('end-key-name', {
        what: 'The name given for the secret with the key that ends pods is none that RunPod allows.',
        why: 'The pod would not be given that key, so nothing is rented with it.',
        next: 'Correct the name that is set. It is the name of the secret, never the key itself.',
        remedies: [{ do: 'set-end-key-secret' }],
        at,
      });
      return;
    }
    const names = await facts.account.secretNames(secret);
    if (!names.includes(secret)) {
      say.warning('end-key-missing', {
        what: `The secret ${secret}, which should hold the key that ends the pod, does not exist in this account.`,
        why: 'The pod then has only its own key, and where RunPod refuses that one no cap holds while this computer is off.',
        next: 'Make a secret of that name in the RunPod console, with a restricted key that may write pods and nothing else.',
        at,
        fix,
      });
    }
  },
};
