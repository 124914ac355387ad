/** What an image's name tells. */
export interface ImageFacts {
  repository: string;
  /** Undefined without a tag. */
  tag: string | undefined;
  digest: boolean;
  /** CUDA of the image, such as `12.8`. */
  cuda: string | undefined;
  /** PyTorch of the image, such as `2.8`. */
  torch: string | undefined;
  /** RunPod's own images, which start sshd and whose contents are known. */
  official: 'pytorch' | 'base' | undefined;
}

/** Reads a reference as `registry/name:tag@digest`; undefined when it is none. */
export function readImage(reference: string): ImageFacts | undefined {
  const match =
    /^((?:[A-Za-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(@sha256:[0-9a-f]{64})?$/.exec(
      reference,
    );
  const repository = match?.[1];
  if (match === null || repository === undefined) {
    return undefined;
  }
  const name = repository.replace(/^(?:index\.)?docker\.io\//, '');
  const tag = match[2];
  return {
    repository: name,
    tag,
    digest: match[3] !== undefined,
    cuda: cudaOf(tag ?? ''),
    torch: torchOf(name, tag ?? ''),
    official: name === 'runpod/pytorch' ? 'pytorch' : name === 'runpod/base' ? 'base' : undefined,
  };
}

/** `cu1281` → `12.8`, `cuda1300` → `13.0`, `cuda12.8.1` → `12.8`, `cu121` → `12.1`. */
function cudaOf(tag: string): string | undefined {
  const dotted = /cu(?:da)?-?(\d{2})\.(\d)/.exec(tag);
  const packed = dotted ?? /cu(?:da)?(\d{2})(\d)\d?(?!\d)/.exec(tag);
  return packed === null ? undefined : `${packed[1] ?? ''}.${packed[2] ?? ''}`;
}

/** `torch280` → `2.8`; old official tags and those of `pytorch/pytorch` begin with the version. */
function torchOf(repository: string, tag: string): string | undefined {
  const packed = /torch(\d)(\d{1,2})\d(?!\d)/.exec(tag);
  const leading = repository.endsWith('pytorch') && packed === null ? /^(\d)\.(\d+)\.\d+-(?!cu\d)/.exec(tag) : null;
  const found = packed ?? leading;
  return found === null ? undefined : `${found[1] ?? ''}.${found[2] ?? ''}`;
}

/** Compares `12.8` with `13.0`: negative when a is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

/** Tags of `runpod/pytorch`: those of today, and the older form that begins with PyTorch's version. */
export function isPlausibleOfficialTag(image: ImageFacts): boolean {
  const tag = image.tag ?? '';
  return image.official === 'pytorch'
    ? /^\d+\.\d+\.\d+-cu\d{3,4}-torch\d{3,4}-ubuntu\d{4}$/.test(tag) || /^\d+\.\d+\.\d+-py3\.\d+-cuda\d+\./.test(tag)
    : /^\d+\.\d+\.\d+(-cuda\d{3,4})?-ubuntu\d{4}$/.test(tag) || /^\d+\.\d+\.\d+-cuda\d+\./.test(tag);
}
