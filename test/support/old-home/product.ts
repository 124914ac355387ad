/** Everything of the product that the tests of the old home name, in one place, for its modules move. */
export { confirmLocalSteps } from '../../../src/cli/ask.ts';
export { readConnection } from '../../../src/features/sandbox/connection.ts';
export { usedOf } from '../../../src/core/caps/day.ts';
export { EstimatesFile } from '../../../src/core/caps/estimates-file.ts';
export { accountCosts } from '../../../src/core/costs/account-costs.ts';
export { ledgerOf } from '../../../src/core/costs/ledger.ts';
export { stepHistory } from '../../../src/core/caps/step-history.ts';
export { CancelledError } from '../../../src/core/errors.ts';
export { takeLock } from '../../../src/core/files/lock.ts';
export {
  fileKeyPair,
  hostKeysIn,
  platformIn,
  recordsIn,
  type Installation,
} from '../../../src/core/home/installation.ts';
export { follow } from '../../../src/core/jobs/run.ts';
export { JobJournals, viewWithRecord } from '../../../src/core/journal/job-journals.ts';
export type { JobEvent } from '../../../src/core/journal/events.ts';
export { JournalReader } from '../../../src/core/journal/reader.ts';
export { podsOf } from '../../../src/core/pods/of-job.ts';
export { isBeingPrepared, resultsFolder, type JobRecord, type JobRecords } from '../../../src/core/journal/records.ts';
export { parseJobState } from '../../../src/core/journal/state.ts';
export { RemoteWorker } from '../../../src/core/pods/worker.ts';
export { connectTo } from '../../../src/core/pods/ready.ts';
export { loadProject } from '../../../src/core/project/load.ts';
export { readVolumeJobs } from '../../../src/core/guards/radar/volume-jobs.ts';
export type { RunPodClient } from '../../../src/core/runpod/client.ts';
export type { Volume } from '../../../src/core/runpod/schemas.ts';
export { VolumeStore } from '../../../src/core/s3/index.ts';
export { UploadJournal } from '../../../src/core/s3/upload-journal.ts';
export { knownSize } from '../../../src/core/volumes/move/size.ts';
export { planMove, runMove } from '../../../src/core/volumes/move/move.ts';
export { planSync, runSync } from '../../../src/core/volumes/sync.ts';
export { fetchFiles } from '../../../src/core/transport/ssh/fetch.ts';
export { fetchOverS3 } from '../../../src/core/transport/s3/fetch.ts';
export { hashFiles } from '../../../src/core/files/hash.ts';
export { installWorker } from '../../../src/core/transport/ssh/install-worker.ts';
export { push } from '../../../src/core/transport/ssh/push.ts';
export { pushOverS3 } from '../../../src/core/transport/s3/push.ts';
export { collect, lastKnownState, planTransfer, readLastKnown } from '../../../src/core/volumes/plan/index.ts';
export { PutRecord } from '../../../src/core/transport/s3/put-record.ts';
