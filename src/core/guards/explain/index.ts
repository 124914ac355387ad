export { changedSince } from './changed.ts';
export { explain, unexplained } from './explain.ts';
export { gatherEvidence } from './gather.ts';
export { gatePlace, linePlace } from './place.ts';
export type { Change, Evidence, Explanation, FailureKind, ProjectPath, Value } from './types.ts';
