import * as z from 'zod';
import { limits } from '../contract.ts';
import { UserError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { SshConnection } from '../ssh/index.ts';
import { capKeySchema } from '../journal/events.ts';

const errorSchema = z.object({
  error: z.object({
    what: z.string(),
    why: z.string().nullish(),
    next: z.string().nullish(),
  }),
});

const watchdogSchema = z.object({
  armed: z.boolean(),
  detail: z.string(),
  deadline: z.string().nullable(),
  owners: z.array(capKeySchema).nullish(),
});

const startedSchema = z.object({ epoch: z.int(), watchdog: watchdogSchema });
export type Started = z.infer<typeof startedSchema>;
const begunSchema = z.object({ begun: startedSchema.nullable() });

const guardSchema = z.object({ armed: z.boolean(), detail: z.string() });

const claimSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), term: z.int() }),
  z.object({
    ok: z.literal(false),
    /** 0 when nobody has it. */
    term: z.int(),
    owner: z.object({
      job: z.string().nullish(),
      machine: z.string().nullish(),
      host: z.string().nullish(),
      podId: z.string().nullish(),
      since: z.string().nullish(),
    }),
    /** Seconds since its last sign of life. */
    age: z.number(),
    /** Whether its job was handed over to a worker. */
    running: z.boolean(),
    /** Whether that job has ended, and a client may be bringing its results home. */
    ending: z.boolean(),
  }),
]);
export type ClaimAnswer = z.infer<typeof claimSchema>;
export type ClaimHeld = Extract<ClaimAnswer, { ok: false }>;

const statusSchema = z.object({
  jobs: z.array(
    z.object({
      job: z.string(),
      state: z
        .object({
          status: z.string(),
          project: z.string().nullish(),
          podId: z.string().nullish(),
          step: z.string().nullable().optional(),
          reason: z.string().nullable().optional(),
          epoch: z.int().optional(),
          watchdog: watchdogSchema.optional(),
        })
        .nullable(),
      alive: z.boolean(),
      bytes: z.number(),
    }),
  ),
});
export type RemoteJob = z.infer<typeof statusSchema>['jobs'][number];
const keeperSchema = z.object({
  at: z.enum(['waiting', 'running', 'ended', 'ending']),
  /** Folder of the job that it waits for or has. */
  jobDir: z.string().nullish(),
  /** When the pod ends at the latest, by the pod's clock. */
  deadline: z.string().nullish(),
  /** Whether the job has ended and the pod is kept until the deadline. */
  keeps: z.boolean(),
});
const lookSchema = statusSchema.extend({
  watched: z.boolean(),
  /** What ends the pod; null when nothing does, and absent in answers of workers that do not tell. */
  keeper: keeperSchema.nullish(),
});
/** What goes on on a pod. */
export type PodLook = z.infer<typeof lookSchema>;

/**
 * How `follow` ended: the job said how it ended, its worker is dead without having said so, or no line of the journal
 * begins at the offset, so it is not the one that was followed before.
 */
export type FollowEnd = 'finished' | 'worker-gone' | 'other-journal';

/** The worker's commands on a pod (docs/job-directory.md). */
export class RemoteWorker {
  readonly argv: readonly string[];
  readonly #connection: SshConnection;

  /** `worker` is the path of the worker's file on the pod. */
  constructor(connection: SshConnection, worker: string, python = 'python3') {
    this.#connection = connection;
    this.argv = [python, worker];
  }

  /**
   * Starts the job detached unless it has begun, and answers what its start has answered: so it may be called again when
   * its answer was lost. Secrets travel on standard input only.
   */
  begin(jobDir: string, spec: object, secrets: Record<string, string>, signal?: AbortSignal): Promise<Started> {
    return this.#ask(['begin', '--job-dir', jobDir], startedSchema, JSON.stringify({ spec, secrets }), signal);
  }

  /** What `begin` has answered, or would have; null when the job has not begun. Waits for one that is under way. */
  async begun(jobDir: string, signal?: AbortSignal): Promise<Started | null> {
    const answer = await this.#ask(['begun', '--job-dir', jobDir], begunSchema, undefined, signal);
    return answer.begun;
  }

  /** Lets the pod end itself when no worker of this job has started within so many minutes from now. */
  async guard(
    jobDir: string,
    restUrl: string,
    minutes: number,
    signal?: AbortSignal,
  ): Promise<z.infer<typeof guardSchema>> {
    const command = ['guard', '--job-dir', jobDir, '--rest-url', restUrl, '--minutes', String(minutes)];
    return this.#ask(command, guardSchema, undefined, signal);
  }

  /**
   * Takes a project folder of the volume for a job; again: a sign of life. `follow` is the term of an owner that is known
   * to be gone.
   */
  takeClaim(
    remote: { projectDir: string; jobDir: string },
    owner: { machine: string; host: string; podId: string; follow?: number | undefined },
    signal?: AbortSignal,
  ): Promise<ClaimAnswer> {
    const { machine, host, podId, follow } = owner;
    const words = ['--machine', machine, '--host', host, '--pod', podId];
    return this.#claim('take', remote, follow === undefined ? words : [...words, '--follow', String(follow)], signal);
  }

  /** A sign of life of a client that has the project; who has it when that is another one. */
  keepClaim(remote: { projectDir: string; jobDir: string }, signal?: AbortSignal): Promise<ClaimAnswer> {
    return this.#claim('keep', remote, [], signal);
  }

  #claim(
    request: string,
    { projectDir, jobDir }: { projectDir: string; jobDir: string },
    words: string[],
    signal: AbortSignal | undefined,
  ): Promise<ClaimAnswer> {
    const command = ['claim', request, '--job-dir', jobDir, '--project-dir', projectDir, ...words];
    return this.#ask(command, claimSchema, undefined, signal);
  }

  async status(mount: string, signal?: AbortSignal): Promise<RemoteJob[]> {
    const answer = await this.#ask(['status', '--mount', mount], statusSchema, undefined, signal);
    return answer.jobs;
  }

  /** The jobs of a volume, what ends this pod, and whether a worker, a keeper or a follower of a job of it is at work. */
  look(mount: string, podId: string, signal?: AbortSignal): Promise<PodLook> {
    return this.#ask(['status', '--mount', mount, '--pod', podId], lookSchema, undefined, signal);
  }

  /** Hands over the journal's bytes from `offset` on, until the job has ended. */
  async follow(
    jobDir: string,
    offset: number,
    onBytes: (chunk: Buffer) => void | Promise<void>,
    options: { once?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<FollowEnd> {
    const argv = [...this.argv, 'follow', '--job-dir', jobDir, '--offset', String(offset)];
    const result = await this.#connection.stream(options.once === true ? [...argv, '--once'] : argv, {
      onStdout: onBytes,
      signal: options.signal,
    });
    if (result.code === 0) {
      return 'finished';
    }
    if (result.code === limits.followGoneExitCode) {
      return 'worker-gone';
    }
    if (result.code === limits.followOtherJournalExitCode) {
      return 'other-journal';
    }
    throw refusal(result.stderr) ?? brokenWorker('follow', result.code, result.stderr);
  }

  /** Whether anything of a journal is there: a step may have removed the folder of its own job. */
  async hasJournal(jobDir: string, signal?: AbortSignal): Promise<boolean> {
    let bytes = 0;
    const count = (chunk: Buffer): void => void (bytes += chunk.length);
    await this.follow(jobDir, 0, count, { once: true, signal });
    return bytes > 0;
  }

  async control(jobDir: string, request: 'cancel' | 'hold' | 'release', signal?: AbortSignal): Promise<void> {
    await this.#ask(['control', '--job-dir', jobDir, request], z.looseObject({}), undefined, signal);
  }

  async #ask<T extends z.ZodType>(
    command: string[],
    schema: T,
    stdin?: string,
    signal?: AbortSignal,
  ): Promise<z.output<T>> {
    const result = await this.#connection.exec([...this.argv, ...command], {
      stdin,
      signal,
      maxStdout: limits.answerBytes,
    });
    const name = command[0] ?? '';
    const answer = result.stdout.toString('utf8');
    const refused = refusal(answer);
    if (refused !== undefined) {
      throw refused;
    }
    const value = lastJson(answer);
    const parsed = schema.safeParse(value);
    if (result.code !== 0 || !parsed.success) {
      throw brokenWorker(name, result.code, result.stderr);
    }
    return parsed.data;
  }
}

function lastJson(text: string): unknown {
  return parseJson(text.trimEnd().split('\n').at(-1) ?? '');
}

/** The worker's own words for what it could not do, if the last line has them. */
function refusal(text: string): UserError | undefined {
  const error = errorSchema.safeParse(lastJson(text));
  if (!error.success) {
    return undefined;
  }
  const { what, why, next } = error.data.error;
  return new UserError('worker-refused', { what, why: why ?? undefined, next: next ?? undefined });
}

function brokenWorker(command: string, code: number | null, stderr: string): UserError {
  const [, file] = /can't open file '?([^'\n]+\.pyz)'?: .*No such file/.exec(stderr) ?? [];
  if (file !== undefined) {
    return new UserError('worker-broken', {
      what: "The worker's file on the volume is gone, so nothing can be asked of it.",
      why: `Something removed it (${file}), perhaps a step that cleans up the volume.`,
      next: 'Leave the folder .runpod-trainer of the volume out of what steps remove.',
    });
  }
  const lines = stderr.trim().split('\n').slice(-3).join(' ');
  return new UserError('worker-broken', {
    what: `The worker's command "${command}" ${code === null ? 'was cut off on the pod.' : `failed on the pod (exit code ${code}).`}`,
    why: lines === '' ? undefined : lines,
    next: 'Check that the image has Python 3.9 or newer as python3 and that the volume is not full, then start again.',
  });
}
