import { limits } from '../core/contract.ts';
import { chooseSetAside, withSetAside, type SetAside } from '../core/volumes/browse/set-aside.ts';
import { byteText, count } from '../core/words/index.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { projectOf } from './plan.ts';
import { columns, printable, type Style } from './style.ts';

export interface RemovedOptions extends GlobalOptions {
  profile?: string;
  /** Patterns; none for all. */
  restore?: string[] | true;
  json?: boolean;
}

/** Lists what runs have set aside on the project's volume, or brings it back into the project's folder. */
export async function removedCommand(file: string | undefined, options: RemovedOptions): Promise<number> {
  const output = makeOutput(options);
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  try {
    const installation = await makeInstallation(options);
    const loaded = await projectOf(file, options.profile);
    return await withSetAside(
      installation,
      loaded,
      async ({ files, restore }) => {
        const { restore: wanted } = options;
        if (wanted === undefined) {
          output.result({ type: 'removed', files }, listText(files, output.style));
          return exitCodes.succeeded;
        }
        const chosen = chooseSetAside(files, wanted === true ? [] : wanted);
        const done = await restore(chosen, { signal });
        const lines = [
          `${count(done.files, 'file')} brought back to ${printable(loaded.root)} (${byteText(done.bytes)}).`,
          ...done.left.map(({ path, reason }) => printable(`${path} stays on the volume: ${reason}`)),
        ];
        output.result({ type: 'restored', ...done }, lines.join('\n'));
        return done.left.length === 0 ? exitCodes.succeeded : exitCodes.failed;
      },
      signal,
    );
  } finally {
    interrupt.stop();
  }
}

function listText(files: readonly SetAside[], style: Style): string {
  if (files.length === 0) {
    return 'Nothing is set aside on the volume.';
  }
  const rows = files.map(({ path, size, time }) => [
    printable(path),
    byteText(size),
    `set aside at ${new Date(time).toLocaleString()}`,
  ]);
  return [
    ...columns([['file', 'size', 'when'].map(style.dim), ...rows]),
    `Each is kept for ${limits.removedDays} days; --restore <pattern> brings it back here.`,
  ].join('\n');
}
