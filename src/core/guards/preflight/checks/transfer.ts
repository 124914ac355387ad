import { byteText } from '../../../words/index.ts';
import type { Check } from '../check.ts';
import { s3Endpoint } from '../../../s3/endpoints.ts';

const largeUpload = 1e9;

export const transfer: Check = {
  id: 'transfer',
  title: 'Way of the data to the volume',
  run: async (facts, say) => {
    const { s3Keys } = facts.options;
    if (!facts.rentsPod || s3Keys === true) {
      return;
    }
    const [{ files }, dataCenter] = await Promise.all([facts.scan(), facts.account.dataCenter()]);
    const size = files.reduce((sum, f) => sum + f.size, 0);
    if (size < largeUpload || s3Endpoint(dataCenter) === undefined) {
      return;
    }
    if (s3Keys === undefined) {
      say.unknown('Whether S3 keys are set was not looked up.');
      return;
    }
    say.info('s3-keys', {
      what: `${byteText(size)} are to be uploaded to ${dataCenter}, which has S3, but no S3 keys are set.`,
      why: 'Over S3 files go to the volume before the GPU pod is rented; without it they go through a pod that is paid for.',
      next: 'Create S3 API keys in the RunPod console and enter them.',
      remedies: [{ do: 'set-s3-keys' }],
    });
  },
};
