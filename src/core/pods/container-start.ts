import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { quoteArgv } from '../ssh/index.ts';

/** RunPod's own images: their start script is `/start.sh`, and their PATH has `python3`. */
const official = /^(docker\.io\/)?runpod\/(pytorch|base|nvidia-pytorch)[:@]/;

/** Whether a pod of this image ends itself where no client ever comes to it. */
export function endsAlone(image: string): boolean {
  return official.test(image);
}

export interface ContainerStart {
  image: string;
  mount: string;
  /** From the first start of the container, for a client to come. */
  seconds: number;
  restUrl: string;
}

/**
 * The start command of a job's pod: what starts its keeper again and ends the pod where there is none
 * (gpu-worker/bootstrap/container-start.py, beside the worker), then the image's own start script. Undefined for an image
 * whose start script is not known. No key is in it, and nothing of this pod: what it needs it takes from the pod.
 */
export async function containerStart(
  localPyz: string,
  { image, mount, seconds, restUrl }: ContainerStart,
): Promise<string | undefined> {
  if (!endsAlone(image)) {
    return undefined;
  }
  const text = await readFile(join(dirname(localPyz), 'container-start.py'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const script = 'python3 -c "$0" "$@" </dev/null & exec /start.sh';
  return quoteArgv(['bash', '-c', script, lines.join('\n'), mount, String(Math.ceil(seconds)), restUrl]);
}
