import type { Check } from '../check.ts';
import { isApiError } from '../../../runpod/api-error.ts';

export const apiKey: Check = {
  id: 'api-key',
  title: 'API key',
  run: async ({ account }, say) => {
    try {
      await account.key();
    } catch (error) {
      if (!isApiError(error, 'auth', 'permission', 'edge-blocked', 'v1')) {
        throw error;
      }
      say.error(error.kind === 'auth' ? 'key-rejected' : 'key-unusable', {
        what: error.what,
        why: error.why ?? 'Without an accepted key nothing can be rented.',
        next: error.next ?? 'Enter another key.',
        remedies: error.remedies.length > 0 ? error.remedies : [{ do: 'sign-in' }],
      });
      return;
    }
    say.unknown('The key may read pods. Whether it may create and end them shows only at the first pod.');
  },
};
