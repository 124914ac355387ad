import path from 'node:path';

/** Whether a path is a folder's own or lies below it. Names are compared as this system compares them. */
export function isWithin(folder: string, place: string, paths: path.PlatformPath = path): boolean {
  const way = paths.relative(folder, place);
  return way !== '..' && !way.startsWith(`..${paths.sep}`) && !paths.isAbsolute(way);
}
