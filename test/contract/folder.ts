import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

export interface Vector {
  name: string;
  why: string;
}

/** The cases of `contract/vectors/<name>.json`; the worker's tests read them too. */
export function vectors<T>(name: string): (T & Vector)[] {
  return (JSON.parse(read(`contract/vectors/${name}.json`)) as { vectors: (T & Vector)[] }).vectors;
}

/** Names of the files below a folder with an ending, from the project's root. */
export function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);
}
