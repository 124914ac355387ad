import path from 'node:path';
import type { LoadedProject } from '../project/load.ts';
import type { Project } from '../project/schema.ts';
import type { BuiltArchive } from './archive.ts';
import { buildArchives } from './archive.ts';
import type { HashedFile } from './hash.ts';
import { hashFiles } from './hash.ts';
import type { ScanResult } from './scan.ts';
import type { SecretSearchOptions } from './secrets.ts';
import { exclusionOf, scan } from './scan.ts';
import type { Exclusion } from './patterns.ts';

/** All that a project would have on its volume. */
export interface Collected {
  /** The project's files and its archives, sorted by path. */
  files: HashedFile[];
  archives: BuiltArchive[];
  scan: ScanResult;
}

/** The folder in a project where the client keeps what it can make again; never uploaded. */
export function stateFolder(root: string): string {
  return path.join(root, '.runpod-trainer');
}

/** How a project's files are looked through for secrets. */
export function secretSearchOf({
  root,
  project,
}: Pick<LoadedProject, 'root' | 'project'>): Pick<SecretSearchOptions, 'allow' | 'cacheFile'> {
  return { allow: project.sync.allowSecrets, cacheFile: path.join(stateFolder(root), 'secrets.json') };
}

/** What a project's lists name. Results that came home never go back. Rejects as `scan` does. */
export function scanProject(
  { root, project }: { root: string; project: Pick<Project, 'sync' | 'onFinish'> },
  signal?: AbortSignal,
): Promise<ScanResult> {
  return scan(root, project.sync, { never: resultsOf(project), signal });
}

function resultsOf({ onFinish }: Pick<Project, 'onFinish'>): string[] {
  return [`/${onFinish.into}/`];
}

/** The rule by which a path of the project is not uploaded whatever its lists name; undefined where none is. */
export function hiddenBy(
  { root, project }: { root: string; project: Pick<Project, 'sync' | 'onFinish'> },
  path: string,
  isFolder: boolean,
): Exclusion | undefined {
  return exclusionOf(root, project.sync, { path, isFolder }, { never: resultsOf(project) });
}

/**
 * Finds a project's files, makes its archives and computes every sha256. Reads files only where they changed since the
 * last time. Rejects with the codes of `scan`, `buildArchives` and `hashFiles`.
 */
export async function collect(
  { root, project }: Pick<LoadedProject, 'root' | 'project'>,
  signal?: AbortSignal,
): Promise<Collected> {
  const found = await scanProject({ root, project }, signal);
  const archives = await buildArchives(found.archives, path.join(stateFolder(root), 'archives'), signal);
  const hashed = await hashFiles(found.files, path.join(stateFolder(root), 'hashes.json'), signal);
  const files = [...hashed, ...archives.map(({ file }) => file)].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, archives, scan: found };
}
