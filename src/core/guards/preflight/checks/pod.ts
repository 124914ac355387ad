import type { Check } from '../check.ts';
import { duration } from '../../../words/index.ts';

/** CPU pods of this size are refused with a larger disk. */
const smallPodVcpus = 4;
const smallPodDisk = 30;
const quickestColdStart = 6;

export const pod: Check = {
  id: 'pod',
  title: 'Disk, mount and start of the pod',
  run: async (facts, say) => {
    const { target } = facts.project;
    if (!facts.rentsPod) {
      return;
    }
    const { minDiskGb } = await facts.account.capabilities();
    const disk = target.disk ?? (target.cpu === undefined ? 40 : 20);
    const at = facts.place('target', 'disk');
    if (disk < minDiskGb) {
      say.warning('disk-small', {
        what: `The container disk has ${disk} GB; RunPod grants no pod with less than ${minDiskGb}.`,
        why: 'It refuses smaller ones as if there were no stock, so the pod gets more than the project says.',
        next: `Set "target.disk" to ${minDiskGb} or more.`,
        at,
        fix: { title: `Set the disk to ${minDiskGb} GB`, command: 'set-value', args: { path: at, value: minDiskGb } },
      });
    }
    if (target.cpu !== undefined && target.cpu.vcpuCount <= smallPodVcpus && disk > smallPodDisk) {
      say.error('disk-large', {
        what: `A CPU pod with ${target.cpu.vcpuCount} vCPUs cannot have a disk of ${disk} GB.`,
        why: `RunPod refuses small CPU pods with more than ${smallPodDisk} GB as if there were no stock.`,
        next: `Set "target.disk" to ${smallPodDisk} or less; large files belong on the volume.`,
        at,
        fix: {
          title: `Set the disk to ${smallPodDisk} GB`,
          command: 'set-value',
          args: { path: at, value: smallPodDisk },
        },
      });
    }
    if (/^\/(|root|usr|etc|bin|lib|opt|var|dev|proc|sys|home|tmp)\/*$/.test(target.mount)) {
      say.error('mount-hides', {
        what: `The volume would be mounted over ${target.mount}.`,
        why: "It hides what the image has there: programs, or the login key that the pod's sshd reads.",
        next: 'Use a folder of its own, such as /workspace.',
        at: facts.place('target', 'mount'),
      });
    }
    if (target.readyMinutes < quickestColdStart) {
      say.warning('ready-short', {
        what: `The pod is given up after ${duration(target.readyMinutes * 60)}.`,
        why: 'Pulling a large image on a new host takes 5 to 13 minutes; each pod that is given up is paid for.',
        next: 'Set "target.readyMinutes" to 12 or more.',
        at: facts.place('target', 'readyMinutes'),
      });
    }
  },
};
