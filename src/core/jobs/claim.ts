import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { limits } from '../contract.ts';
import { CancelledError, throwIfCancelled, UserError } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import { stateFolder } from '../files/to-upload.ts';
import type { Installation } from '../home/installation.ts';
import { isBeingPrepared, type JobRecords } from '../journal/records.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { findPod } from '../pods/ready.ts';
import type { ClaimHeld, RemoteWorker } from '../pods/worker.ts';
import type { Remedy } from '../remedy.ts';
import type { Pod } from '../runpod/schemas.ts';
import { duration } from '../words/index.ts';
import type { RunPlan } from './plan.ts';

/** Why a second job of a project is refused. */
export const whyOne = 'Two jobs of one project would write the same files on the volume.';

/** A job that has ended has its project until its results are home: for so long that is waited for, in ms. */
const endingPatience = (limits.endAfterSeconds + limits.leaseSeconds) * 1000;
const lookAgain = 1000;
/** In ms; of a holder that nobody here can judge. */
const lockPatience = 1000;

/**
 * Keeps other clients of this home, and of other homes in the same folder, from starting the project on its volume, until
 * what it answers is called.
 * @throws UserError `job-running` at once when another one prepares a job of it.
 */
export async function lockProject({ home, restUrl }: Installation, plan: RunPlan): Promise<() => Promise<void>> {
  const { volume, dataCenter, loaded, job } = plan;
  const on = volume.exists ? volume.volume.name : volume.name;
  const where = createHash('sha256')
    .update(JSON.stringify([restUrl, on, dataCenter]))
    .digest('hex')
    .slice(0, 16);
  const name = `project-${loaded.project.name}-${where}`;
  const note = { job };
  const refuse = (who: string, next: string, remedies: (job: string) => Remedy[] = () => []) => {
    return (holder: Readonly<Record<string, unknown>>): UserError => {
      const other = typeof holder.job === 'string' ? holder.job : '';
      return new UserError('job-running', {
        what: `The job ${other} of this project is being prepared by ${who}.`,
        why: whyOne,
        next: `Nothing was rented. ${next}`,
        remedies: remedies(other),
      });
    };
  };
  const here = await takeLock(join(home, 'locks', name), {
    note,
    refuse: refuse('another terminal or window of this computer', 'Stay with that job, or cancel it.', (other) => [
      { do: 'attach', job: other },
      { do: 'cancel', job: other },
    ]),
  });
  // Steps of this machine write into the folder, whoever runs them.
  const inFolder = await takeLock(join(stateFolder(loaded.root), `${name}.lock`), {
    note,
    refuse: refuse(
      'another user or installation in this folder',
      'Wait for that job, or cancel it where it was started.',
    ),
  }).catch(async (error: unknown) => {
    if (!(error instanceof UserError)) {
      // Where nothing can be written, no step of this machine runs either.
      return () => Promise.resolve();
    }
    await here();
    throw error;
  });
  return async () => {
    await inFolder();
    await here();
  };
}

/** Another job has the project on the volume. */
export class ProjectTaken extends UserError {
  /** The pod that it runs on, as far as it told. */
  readonly podId: string | undefined;

  constructor(project: string, { owner, ending }: ClaimHeld) {
    const { job, since, host, podId } = owner;
    const age = since == null ? '' : ` ${duration(Math.max(0, Date.now() - Date.parse(since)) / 1000)} ago`;
    const begun = `started${age}${host == null ? '' : ` on ${host}`}`;
    const pod = podId == null ? '' : `, and is on the pod ${podId}`;
    const who = job == null ? 'Another client' : `The job ${job}`;
    const told = job == null ? 'which job it prepares is not known' : `it was ${begun}${pod}`;
    super('job-running', {
      what: `${who} has the project "${project}" on this volume: ${told}.`,
      why: ending ? 'It has ended, and its results are being brought home.' : whyOne,
      next: 'Nothing of this run was started. Wait until that job has ended, or cancel it where it was started.',
    });
    this.podId = podId ?? undefined;
  }
}

/** The claim of a project on a volume, made and kept through a pod, by the client that prepares a job there. */
export class ProjectClaim {
  readonly #installation: Installation;
  readonly #plan: RunPlan;
  readonly #onEvent: OnEvent;
  #taken = false;

  /** The home's own lock of the project must be held. */
  constructor(installation: Installation, plan: RunPlan, onEvent: OnEvent) {
    this.#installation = installation;
    this.#plan = plan;
    this.#onEvent = onEvent;
  }

  /**
   * Takes the project; over a later link it makes sure that it is still taken.
   * @throws ProjectTaken when another job has it.
   */
  async take(
    worker: RemoteWorker,
    pod: Pod,
    remote: { projectDir: string; jobDir: string },
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.#taken) {
      await this.keep(worker, remote, signal);
      return;
    }
    const owner = { machine: this.#installation.machine, host: hostname(), podId: pod.id };
    const until = performance.now() + endingPatience;
    let follow: number | undefined;
    for (let told = false; ;) {
      const answer = await worker.takeClaim(remote, { ...owner, follow }, signal);
      if (answer.ok) {
        this.#taken = true;
        return;
      }
      if (follow !== answer.term && (await this.#isGone(answer, pod, signal))) {
        follow = answer.term;
        continue;
      }
      if (!answer.ending || performance.now() > until) {
        throw new ProjectTaken(this.#plan.loaded.project.name, answer);
      }
      if (!told) {
        told = true;
        const text = `Waiting until the results of the job ${answer.owner.job ?? ''} are home`;
        this.#onEvent({ type: 'link', state: 'waiting', text });
      }
      await wait(lookAgain, undefined, { signal }).catch(() => {
        throw new CancelledError();
      });
    }
  }

  /**
   * A sign of life.
   * @throws ProjectTaken when another job has followed meanwhile.
   */
  async keep(
    worker: RemoteWorker,
    remote: { projectDir: string; jobDir: string },
    signal?: AbortSignal,
  ): Promise<void> {
    const answer = await worker.keepClaim(remote, signal);
    if (!answer.ok) {
      throw new ProjectTaken(this.#plan.loaded.project.name, answer);
    }
  }

  /**
   * Whether nobody is at work for who has the project: its pod is gone by the word of RunPod, or it was a client of this
   * home that ended before it could hand its job over, or before all of the results were home.
   */
  async #isGone({ owner, running, ending }: ClaimHeld, here: Pod, signal: AbortSignal | undefined): Promise<boolean> {
    const { client, records } = this.#installation;
    const record = owner.job == null ? undefined : await records.get(owner.job);
    if (record !== undefined) {
      if (running ? ending && !(await isAtResults(records, record.job)) : isBeingPrepared(record) === 'no') {
        return true;
      }
    }
    if (owner.podId == null || owner.podId === here.id) {
      return false;
    }
    try {
      const pod = await findPod(client, owner.podId, signal);
      return pod === undefined || pod.status === 'EXITED' || pod.status === 'ERROR';
    } catch {
      throwIfCancelled(signal);
      // Not knowing is no evidence.
      return false;
    }
  }
}

/** Whether a client of this home brings a job's results home. */
async function isAtResults(records: JobRecords, job: string): Promise<boolean> {
  for (const lock of [records.concludeLock(job), records.fetchLock(job)]) {
    const options = { signal: AbortSignal.timeout(lockPatience), refuse: () => new Error('held') };
    const release = await takeLock(lock, options).catch(() => undefined);
    if (release === undefined) {
      return true;
    }
    await release();
  }
  return false;
}
