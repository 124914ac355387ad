import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A fresh folder below the system's temporary one for every test of the suite; removed after the test. */
export function useTempFolder(): { readonly path: string } {
  const folder = { path: '' };
  beforeEach(async () => {
    // The real path, because the temporary folder of macOS is a link.
    folder.path = await realpath(await mkdtemp(path.join(tmpdir(), 'runpod-trainer-test-')));
  });
  afterEach(async () => {
    await rm(folder.path, { recursive: true, force: true });
  });
  return folder;
}
