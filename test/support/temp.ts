import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * A fresh folder below the system's temporary one for every test of the suite. It is removed before the next test and
 * at the suite's end: what a test closes in hooks of its own may still write there, and would make it again.
 */
export function useTempFolder(): { readonly path: string } {
  const folder = { path: '' };
  const remove = async (): Promise<void> => {
    if (folder.path !== '') await rm(folder.path, { recursive: true, force: true });
  };
  beforeEach(async () => {
    await remove();
    // The real path, because the temporary folder of macOS is a link.
    folder.path = await realpath(await mkdtemp(path.join(tmpdir(), 'runpod-trainer-test-')));
  });
  after(remove);
  return folder;
}
