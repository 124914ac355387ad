// Every name that the manifest and the code share. A test compares this list with package.json in both directions.

export const commands = {
  signIn: 'runpodTrainer.signIn',
  setS3Keys: 'runpodTrainer.setS3Keys',
  setSecret: 'runpodTrainer.setSecret',
  signOut: 'runpodTrainer.signOut',
  choosePython: 'runpodTrainer.choosePython',
  startSandbox: 'runpodTrainer.startSandbox',
  stopSandbox: 'runpodTrainer.stopSandbox',
  trySample: 'runpodTrainer.trySample',
  createProjectFile: 'runpodTrainer.createProjectFile',
  run: 'runpodTrainer.run',
  runFrom: 'runpodTrainer.runFrom',
  runAgain: 'runpodTrainer.runAgain',
  check: 'runpodTrainer.check',
  chooseRegion: 'runpodTrainer.chooseRegion',
  createVolume: 'runpodTrainer.createVolume',
  growVolume: 'runpodTrainer.growVolume',
  moveVolume: 'runpodTrainer.moveVolume',
  backup: 'runpodTrainer.backup',
  showCosts: 'runpodTrainer.showCosts',
  findUnused: 'runpodTrainer.findUnused',
  explainFailure: 'runpodTrainer.explainFailure',
  openJob: 'runpodTrainer.openJob',
  attachJob: 'runpodTrainer.attachJob',
  fetchResults: 'runpodTrainer.fetchResults',
  openResults: 'runpodTrainer.openResults',
  openInProjectFile: 'runpodTrainer.openInProjectFile',
  revealStepFiles: 'runpodTrainer.revealStepFiles',
  removeJob: 'runpodTrainer.removeJob',
  cancelJob: 'runpodTrainer.cancelJob',
  showJobLog: 'runpodTrainer.showJobLog',
  showRunning: 'runpodTrainer.showRunning',
  openVolumeFile: 'runpodTrainer.openVolumeFile',
  downloadVolumeFile: 'runpodTrainer.downloadVolumeFile',
  planSync: 'runpodTrainer.planSync',
  syncProject: 'runpodTrainer.syncProject',
  syncProjectHere: 'runpodTrainer.syncProjectHere',
  syncNow: 'runpodTrainer.syncNow',
  choosePlanRoute: 'runpodTrainer.choosePlanRoute',
  togglePlanDeletes: 'runpodTrainer.togglePlanDeletes',
  refreshPlan: 'runpodTrainer.refreshPlan',
  closePlan: 'runpodTrainer.closePlan',
  restoreRemoved: 'runpodTrainer.restoreRemoved',
  allowSecretFile: 'runpodTrainer.allowSecretFile',
  uploadVolumeFiles: 'runpodTrainer.uploadVolumeFiles',
  deleteVolumeFile: 'runpodTrainer.deleteVolumeFile',
  deleteVolume: 'runpodTrainer.deleteVolume',
  refresh: 'runpodTrainer.refresh',
  stopPod: 'runpodTrainer.stopPod',
  connectionDoctor: 'runpodTrainer.connectionDoctor',
  terminatePod: 'runpodTrainer.terminatePod',
  copyId: 'runpodTrainer.copyId',
  showLog: 'runpodTrainer.showLog',
  openWalkthrough: 'runpodTrainer.openWalkthrough',
} as const;
export type CommandId = (typeof commands)[keyof typeof commands];

export const views = {
  transferPlan: 'runpodTrainer.transferPlan',
  jobs: 'runpodTrainer.jobs',
  pods: 'runpodTrainer.pods',
  volumes: 'runpodTrainer.volumes',
} as const;
export type ViewId = (typeof views)[keyof typeof views];

/** Kind of the job panel's tabs; VS Code finds by it who fills a tab again after a reload. */
export const jobPanelType = 'runpodTrainer.jobPanel';

/** What a list view shows; drives its welcome text. */
export type ListContext = 'loading' | 'listed' | 'empty' | 'unreachable';

/** Whether a transfer plan is shown, and whether it is being carried out. */
export type PlanContext = 'none' | 'planned' | 'syncing';

/** Context keys with the type of their value. */
export interface ContextValues {
  'runpodTrainer.signedIn': boolean;
  /** By an account of RunPod, not by the sandbox. */
  'runpodTrainer.signedInToRunPod': boolean;
  'runpodTrainer.sandboxRunning': boolean;
  /** A sandbox runs that this window does not use. */
  'runpodTrainer.sandboxElsewhere': boolean;
  /** A copy of a sample is open. */
  'runpodTrainer.sampleOpen': boolean;
  'runpodTrainer.hasProjectFile': boolean;
  /** A project was looked at, and nothing stands against running it. */
  'runpodTrainer.checked': boolean;
  'runpodTrainer.jobSucceeded': boolean;
  'runpodTrainer.walkthroughOpened': boolean;
  'runpodTrainer.jobsState': ListContext;
  'runpodTrainer.podsState': ListContext;
  'runpodTrainer.volumesState': ListContext;
  'runpodTrainer.plan': PlanContext;
}
export type ContextKey = keyof ContextValues;
export const contextKeys = [
  'runpodTrainer.signedIn',
  'runpodTrainer.signedInToRunPod',
  'runpodTrainer.sandboxRunning',
  'runpodTrainer.sandboxElsewhere',
  'runpodTrainer.sampleOpen',
  'runpodTrainer.hasProjectFile',
  'runpodTrainer.checked',
  'runpodTrainer.jobSucceeded',
  'runpodTrainer.walkthroughOpened',
  'runpodTrainer.jobsState',
  'runpodTrainer.podsState',
  'runpodTrainer.volumesState',
  'runpodTrainer.plan',
] as const satisfies ContextKey[];

/** Settings, without their common first part. */
export const settings = [
  'restUrl',
  'python',
  'refreshSeconds',
  'backgroundRefreshSeconds',
  's3Endpoints',
  'endKeySecret',
  'notifyAfterMinutes',
] as const;
export type SettingName = (typeof settings)[number];
export const settingsSection = 'runpodTrainer';

export const walkthrough = 'runpod-trainer.runpod-trainer#firstRun';
