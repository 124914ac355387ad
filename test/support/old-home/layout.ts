import path from 'node:path';

/** Where the fixture lies, and the addresses at which its sandbox answered when it was made. */
export const layout = {
  fixture: path.resolve(import.meta.dirname, '..', '..', 'fixtures', 'old-home'),
  restUrl: 'http://127.0.0.1:45871/v2',
  s3Url: 'http://127.0.0.1:45872',
};

/** `tree.json`: what git does not keep of the trees, and the names in them. */
export interface Tree {
  /** Job ids by what became of them. */
  jobs: Record<string, string>;
  /** Volume ids by name. */
  volumes: Record<string, string>;
  /** Folders with nothing in them. */
  empty: string[];
  /** Mode, and time in whole milliseconds. */
  files: Record<string, [mode: string, mtimeMs: number]>;
}
