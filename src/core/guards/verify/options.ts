import type { Installation } from '../../home/installation.ts';
import type { Renter } from '../../pods/rent.ts';
import type { RunPodConnection } from '../../runpod/connection.ts';
import type { Answer } from './answers.ts';
import type { Findings } from '../../home/capabilities.ts';
import type { VerifyPlan } from './plan.ts';

export interface VerifyOptions {
  installation: Renter & Pick<Installation, 'home' | 'machine' | 'asker' | 'hostKeys' | 's3'>;
  /** Raw answers are looked at too, with the same key. */
  connection: RunPodConnection;
  plan: VerifyPlan;
  onAnswer: (answer: Answer) => void;
  /** Gets what is to be kept, also when the check is cancelled or fails half-way. */
  onFindings?: ((findings: Findings) => Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
  /** How long the first login may take; 360 unless told. */
  readySeconds?: number | undefined;
  /** How long the bill is waited for; 60 unless told. */
  billSeconds?: number | undefined;
}

export interface Verification {
  answers: Answer[];
  findings: Findings;
}
