export { collect, secretSearchOf, stateFolder } from '../../files/to-upload.ts';
export type { Collected } from '../../files/to-upload.ts';
export { ghostLines, ghostsOf } from './ghosts.ts';
export type { Rate } from './transfer-time.ts';
export { lastKnownState, readLastKnown, rememberTransfer } from './last-transfer.ts';
export type { LastKnown } from './last-transfer.ts';
export type { Ignored } from '../../files/excluded.ts';
export { planCollected, planTransfer } from './plan.ts';
export type { PlanOptions, PreparedPlan } from './plan.ts';
export { preparePlan } from './prepare.ts';
export type { PrepareOptions } from './prepare.ts';
export { uploadWait } from './transfer-time.ts';
export { chooseRoute, routeKinds } from './route.ts';
export type { Route, RouteChoice, RouteKind, Surroundings } from './route.ts';
export type { SecretFinding } from '../../files/secrets.ts';
export type {
  AskFar,
  Conflict,
  FarFile,
  FarState,
  Ghost,
  HereFile,
  ManifestFiles,
  PlannedFile,
  TimeEstimate,
  TransferPlan,
} from './types.ts';
