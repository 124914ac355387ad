/** Everything of the product that the tests of the old home name, in one place, for its modules move. */
export { confirmLocalSteps } from '../../../src/cli/ask.ts';
export { readConnection } from '../../../src/features/sandbox/connection.ts';
export { usedOf } from '../../../src/core/costs/day.ts';
export { EstimatesFile } from '../../../src/core/costs/estimates-file.ts';
export { accountCosts } from '../../../src/core/costs/account-costs.ts';
export { ledgerOf } from '../../../src/core/costs/ledger.ts';
export { stepHistory } from '../../../src/core/costs/step-history.ts';
export { CancelledError } from '../../../src/core/errors.ts';
export { takeLock } from '../../../src/core/file-lock.ts';
export { fileKeyPair, hostKeysIn, platformIn, recordsIn, type Installation } from '../../../src/core/installation.ts';
export { follow } from '../../../src/core/jobs/run.ts';
export { JobJournals, standingOf } from '../../../src/core/jobs/journals.ts';
export type { JobEvent } from '../../../src/core/jobs/events.ts';
export { JournalReader } from '../../../src/core/jobs/journal.ts';
export { podsOf } from '../../../src/core/jobs/pods.ts';
export { isBeingPrepared, resultsFolder, type JobRecord, type JobRecords } from '../../../src/core/jobs/records.ts';
export { parseJobState } from '../../../src/core/jobs/state.ts';
export { RemoteWorker } from '../../../src/core/jobs/worker.ts';
export { connectTo } from '../../../src/core/pods/ready.ts';
export { loadProject } from '../../../src/core/project/load.ts';
export { readVolumeJobs } from '../../../src/core/radar/volume-jobs.ts';
export type { RunPodClient } from '../../../src/core/runpod/client.ts';
export type { Volume } from '../../../src/core/runpod/schemas.ts';
export { VolumeStore } from '../../../src/core/s3/index.ts';
export { UploadJournal } from '../../../src/core/s3/upload-journal.ts';
export { knownSize } from '../../../src/core/sync/move-size.ts';
export { planMove, runMove } from '../../../src/core/sync/move.ts';
export { planSync, runSync } from '../../../src/core/sync/sync.ts';
export {
  fetchFiles,
  fetchOverS3,
  hashFiles,
  installWorker,
  push,
  pushOverS3,
} from '../../../src/core/transfer/index.ts';
export { collect, lastKnownState, planTransfer, readLastKnown } from '../../../src/core/transfer/plan/index.ts';
export { PutRecord } from '../../../src/core/transfer/s3-record.ts';
