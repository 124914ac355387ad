import { compareVersions, type ImageFacts } from './image.ts';

/** The first CUDA with kernels for Blackwell, and the first PyTorch. */
export const blackwell = { cuda: '12.8', torch: '2.7' };

export type Misfit = 'not-nvidia' | 'old-cuda' | 'old-torch';

export function isAmd(id: string): boolean {
  return /^AMD\b/.test(id);
}

export function isBlackwell(id: string): boolean {
  return /Blackwell|RTX 50\d0|\bG?B[23]00\b/.test(id);
}

/** Why a GPU type has no kernels in an image with this CUDA; undefined when nothing speaks against it. */
export function misfit(id: string, image: ImageFacts, imageCuda: string): Misfit | undefined {
  if (isAmd(id)) {
    return 'not-nvidia';
  }
  if (!isBlackwell(id)) {
    return undefined;
  }
  if (compareVersions(imageCuda, blackwell.cuda) < 0) {
    return 'old-cuda';
  }
  return image.torch !== undefined && compareVersions(image.torch, blackwell.torch) < 0 ? 'old-torch' : undefined;
}
