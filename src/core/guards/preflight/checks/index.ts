import type { Check } from '../check.ts';
import { addresses } from './addresses.ts';
import { ages } from './ages.ts';
import { apiKey } from './api-key.ts';
import { balance } from './balance.ts';
import { caps } from './caps.ts';
import { clock } from './clock.ts';
import { code } from './code.ts';
import { cuda } from './cuda.ts';
import { dayCaps } from './day-caps.ts';
import { endKey } from './end-key.ts';
import { env } from './env.ts';
import { gates } from './gates.ts';
import { hardware } from './hardware.ts';
import { image } from './image.ts';
import { imports } from './imports.ts';
import { notebooks } from './notebooks.ts';
import { order } from './order.ts';
import { outputs } from './outputs.ts';
import { parquet } from './parquet.ts';
import { pod } from './pod.ts';
import { requirements } from './requirements.ts';
import { secrets } from './secrets.ts';
import { soundFiles } from './sound-files.ts';
import { stepFiles } from './step-files.ts';
import { transfer } from './transfer.ts';
import { upload } from './upload.ts';
import { volume } from './volume.ts';
import { volumeSpace } from './volume-space.ts';
import { worker } from './worker.ts';

/** All checks, in the order in which people read them: account, machine, files, code. */
export const checks: readonly Check[] = [
  apiKey,
  clock,
  balance,
  caps,
  dayCaps,
  endKey,
  volume,
  volumeSpace,
  hardware,
  cuda,
  image,
  pod,
  upload,
  soundFiles,
  transfer,
  parquet,
  gates,
  order,
  outputs,
  ages,
  stepFiles,
  notebooks,
  code,
  imports,
  requirements,
  env,
  addresses,
  secrets,
  worker,
];
