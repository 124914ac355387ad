export { explain, unexplained } from './explain.ts';
export { gatherEvidence } from './gather.ts';
export type { Change, Evidence, Explanation, FailureKind, ProjectPath, Value } from './types.ts';
