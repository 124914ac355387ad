import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { blackwell, misfit } from '../gpu-fit.ts';
import { compareVersions, type ImageFacts } from '../image.ts';
import { shortName } from '../../../pods/hardware.ts';

export const cuda: Check = {
  id: 'cuda',
  title: 'CUDA of image, host and GPU',
  run: (facts, say) => {
    const { image, project } = facts;
    if (!facts.rentsPod || project.target.cpu !== undefined || image === undefined) {
      return;
    }
    if (image.cuda === undefined) {
      if (image.official === 'base') {
        say.error('image-without-cuda', {
          what: `${project.target.image} has no CUDA, but the pod has a GPU.`,
          why: 'The GPU would be paid for and not be usable.',
          next: 'Use an image whose tag names CUDA, such as runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404.',
          at: facts.place('target', 'image'),
        });
      } else {
        say.unknown("The image's name does not tell its CUDA, so it cannot be compared with the host's.");
      }
      return;
    }
    floor(facts, say, image.cuda);
    generations(facts, say, image, image.cuda);
  },
};

function floor(facts: Facts, say: Say, needed: string): void {
  const { minCuda } = facts.project.target;
  if (minCuda !== undefined && compareVersions(minCuda, needed) >= 0) {
    return;
  }
  const details = {
    why: 'A host with an older driver starts the container without a usable GPU (error 804, "driver too old"), and bills it.',
    next: `Set "target.minCuda" to "${needed}".`,
    fix: {
      title: `Set minCuda to ${needed}`,
      command: 'set-value' as const,
      args: { path: ['target', 'minCuda'], value: needed },
    },
  };
  if (minCuda === undefined) {
    say.warning('cuda-floor-missing', {
      what: `The image needs CUDA ${needed}, and the project asks for no lowest version on the host.`,
      at: facts.place('target', 'image'),
      ...details,
    });
  } else {
    say.error('cuda-floor-low', {
      what: `The image needs CUDA ${needed}, but hosts from CUDA ${minCuda} on are accepted.`,
      at: facts.place('target', 'minCuda'),
      ...details,
    });
  }
}

function generations(facts: Facts, say: Say, image: ImageFacts, imageCuda: string): void {
  for (const [i, id] of (facts.project.target.gpus ?? []).entries()) {
    const at = facts.place('target', 'gpus', i);
    const why = misfit(id, image, imageCuda);
    if (why === undefined) {
      continue;
    }
    if (why === 'not-nvidia') {
      say.error('gpu-not-nvidia', {
        what: `${id} cannot run a CUDA image.`,
        why: 'AMD GPUs need an image with ROCm.',
        next: 'Use an NVIDIA type, or an image with ROCm.',
        at,
      });
      continue;
    }
    say.error('gpu-too-new', {
      what: `${shortName(id)} is too new for the image: it has ${why === 'old-cuda' ? `CUDA ${imageCuda}` : `PyTorch ${image.torch ?? ''}`}.`,
      why: `Blackwell GPUs need CUDA ${blackwell.cuda} and PyTorch ${blackwell.torch} or newer; older ones have no kernels for them.`,
      next: 'Use a newer image, such as runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404, or an older GPU type.',
      at,
    });
  }
}
