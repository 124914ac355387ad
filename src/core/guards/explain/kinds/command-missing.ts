import { brief, lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

const patterns = [
  /^(?:\S*\/)?(?:bash|sh|dash|zsh): (?:line )?(?:\d+: )?([^:]+): (?:command )?not found/,
  /^(?:\S*\/)?env: [‘']([^’']+)[’']: No such file or directory/,
  /^\S+: (?:line \d+: )?([^:]+): command not found/,
  /(?:bad interpreter|cannot execute: required file not found)/,
  /FileNotFoundError: \[Errno 2\] No such file or directory: '([^'/]+)'/,
];

/** Commands that come with a Python package of another name. */
const packages: Readonly<Record<string, string>> = {
  torchrun: 'torch',
  'huggingface-cli': 'huggingface_hub',
  hf: 'huggingface_hub',
  jupyter: 'jupyterlab',
};
const ofPython =
  /^(?:accelerate|deepspeed|papermill|tensorboard|wandb|pytest|ipython|axolotl|trl|ray|dvc|kaggle|gdown|nbconvert)$/;

/** A program that the step starts is not on the pod. */
export const commandMissing: Detector = {
  kind: 'command-missing',
  detect: ({ lines, frames }) => {
    const hit = lastHit(lines, ...patterns);
    const name = hit?.match[1]?.trim() ?? '';
    if (hit === undefined || (hit.line.includes('FileNotFoundError') && !isCommand(name, frames))) {
      return undefined;
    }
    const isWindows = /\\r|\^M|\r/.test(hit.line);
    const from = packages[name] ?? (ofPython.test(name) ? name : undefined);
    const noInterpreter = name === '' || isWindows;
    return {
      at: hit.at,
      what: noInterpreter
        ? 'A script names a program in its first line that is not on the pod.'
        : `The step starts ${brief(name)}, and the pod has no command of that name.`,
      evidence: [shown(hit.line)],
      why: isWindows
        ? 'The script has the line ends of Windows, so the name ends in a character that no name has.'
        : 'Only what the image brings, the requirements file installs or an earlier command of the step installs can be started.',
      next: isWindows
        ? 'Save the script with the line ends of Linux (LF).'
        : from === undefined
          ? 'Check the spelling, install it at the beginning of the step, or use an image that brings it.'
          : `It comes with the Python package ${from}: name that in the requirements file.`,
      change: null,
    };
  },
};

/** Whether the name is that of a program which Python should start. */
export function isCommand(name: string, frames: readonly string[]): boolean {
  return (
    !name.includes('/') && frames.some((frame) => /subprocess\.py|_execute_child|posix_spawn|os\.exec/.test(frame))
  );
}
