import type { Project } from '../../project/schema.ts';

type Path = (string | number)[];

/** Where a value of the project stands in the file: in the profile when that is what sets it. */
export function placeIn(file: Project, profile: string | undefined, path: Path): Path {
  const changes = profile === undefined ? undefined : file.profiles[profile];
  if (profile === undefined || changes === undefined) {
    return path;
  }
  const [first, second] = path;
  const group: unknown = first === undefined ? undefined : changes[first as keyof typeof changes];
  const inProfile =
    typeof second === 'string' && typeof group === 'object' && group !== null && Object.hasOwn(group, second);
  return inProfile ? ['profiles', profile, ...path] : path;
}
