import { chmod } from 'node:fs/promises';

const nobody = 65534;

/**
 * Runs something without the rights of root, for whom no file is unreadable. `folder` is opened to everybody for it.
 * An ordinary user runs it as he is.
 */
export async function asOrdinaryUser(folder: string, work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) {
    await work();
    return;
  }
  await chmod(folder, 0o755);
  process.seteuid?.(nobody);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}
