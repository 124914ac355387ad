import { findNodeAtLocation, getNodeValue, modify, parseTree, type Edit, type Node } from 'jsonc-parser';
import type { Project } from './schema.ts';

/** What is done about data on the volume that is not here any more. */
export type GoneAnswer = 'remove' | 'keep';

/** The project with an answer in its `sync.gone`. */
export function withGoneAnswer(project: Project, answer: GoneAnswer, patterns: readonly string[]): Project {
  const { keep = [], remove = [], ...rest } = project.sync.gone ?? {};
  const gone = { keep, remove, ...rest };
  return { ...project, sync: { ...project.sync, gone: { ...gone, [answer]: [...gone[answer], ...patterns] } } };
}

/** Changes of the file's text that keep an answer: in the profile where that has a `sync.gone` of its own. */
export function goneEdits(
  text: string,
  profile: string | undefined,
  answer: GoneAnswer,
  patterns: readonly string[],
): Edit[] {
  const tree = parseTree(text);
  const at = (path: string[]): Node | undefined =>
    tree === undefined ? undefined : findNodeAtLocation(tree, [...path, 'sync', 'gone']);
  const ofProfile = profile === undefined ? [] : ['profiles', profile];
  const place = [...(at(ofProfile) === undefined ? [] : ofProfile), 'sync', 'gone', answer];
  const node = tree && findNodeAtLocation(tree, place);
  const before: unknown = node && getNodeValue(node);
  const list = [...new Set([...(Array.isArray(before) ? (before as unknown[]) : []), ...patterns])];
  return modify(text, place, list, { formattingOptions: { insertSpaces: true, tabSize: 2 } });
}
