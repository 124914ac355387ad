import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isCredential } from '../contract.ts';
import { CancelledError, UserError } from '../errors.ts';
import { scanProject } from '../files/to-upload.ts';
import type { Installation } from '../home/installation.ts';
import type { LoadedProject } from '../project/load.ts';
import { JournalReader } from '../journal/reader.ts';
import { localJobFolder } from '../journal/records.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { buildSpec, codeFiles, stepsOn, type LocalResult } from '../journal/spec.ts';
import { emptyView, failedStep, reduceView, type JobView } from '../journal/view.ts';

/** How the steps on this machine ended. */
export interface LocalRun {
  view: JobView;
  results: LocalResult[];
  folder: string;
}

/**
 * Runs the steps that stay on this machine with the same worker and the same gates as on a pod, in the foreground.
 * Aborting the signal cancels the running step. Throws a UserError only when the worker itself cannot run.
 */
export async function runLocalSteps(
  installation: Pick<Installation, 'localPython' | 'workerFile' | 'restUrl'>,
  loaded: LoadedProject,
  job: string,
  options: {
    from?: string | undefined;
    secrets: Record<string, string>;
    onEvent: OnEvent;
    signal?: AbortSignal | undefined;
  },
): Promise<LocalRun> {
  const folder = localJobFolder(loaded.root, job);
  const { files } = await scanProject(loaded, options.signal);
  const spec = buildSpec({
    job,
    project: loaded.project,
    side: 'local',
    paths: { project: loaded.root, mount: loaded.root },
    python: installation.localPython,
    code: codeFiles(files),
    restUrl: installation.restUrl,
    capSeconds: null,
    from: options.from,
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'spec.json'), `${JSON.stringify(spec, null, 1)}\n`);
  let view = emptyView();
  const reader = new JournalReader();
  const stderr = await runWorker(installation, folder, options, (chunk) => {
    for (const event of reader.push(chunk)) {
      if (event.type === 'bad-line') {
        options.onEvent({ type: 'warning', text: `The local journal has a fault: ${event.message}.` });
      } else {
        view = reduceView(view, event);
        options.onEvent({ type: 'job', side: 'local', replay: false, event });
      }
    }
  });
  if (view.status === 'starting' || view.status === 'running') {
    if (options.signal?.aborted) {
      throw new CancelledError();
    }
    throw new UserError('local-worker', {
      what: 'The steps on this machine could not be run.',
      why: stderr.trim().split('\n').slice(-3).join(' ') || undefined,
      next: `Check that ${installation.localPython} is Python 3.9 or newer; otherwise choose another one.`,
      remedies: [{ do: 'set-python' }],
    });
  }
  const names = new Set(stepsOn(loaded.project, 'local').map((s) => s.name));
  const results = view.steps
    .filter((s) => names.has(s.name))
    .map(({ name, status, seconds = 0, why, gates, run }) => ({
      step: name,
      status: status === 'unknown' ? ('failed' as const) : status,
      seconds,
      ...(run !== undefined && { run }),
      ...(status === 'skipped' && why[0] !== undefined && { why: why[0] }),
      gates,
    }));
  return { view, results, folder };
}

/** A sentence for the step that stopped the local part. */
export function localFailure(view: JobView): UserError {
  const step = failedStep(view);
  const gate = step?.gates.find((g) => g.status !== 'passed');
  return new UserError('local-step-failed', {
    what: `${step === undefined ? 'The steps on this machine did not end well' : `The step "${step.name}" failed on this machine`}: ${gate?.message ?? step?.reason ?? view.reason ?? 'no reason was given.'}`,
    next: 'Nothing was rented or uploaded. Correct it and run again; finished steps are skipped.',
  });
}

function runWorker(
  installation: Pick<Installation, 'localPython' | 'workerFile'>,
  folder: string,
  options: { secrets: Record<string, string>; signal?: AbortSignal | undefined },
  onBytes: (chunk: Buffer) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const argv = [installation.workerFile, 'run', '--job-dir', folder, '--side', 'local', '--attended'];
    const env = withoutKeys(process.env, Object.keys(options.secrets));
    const child = spawn(installation.localPython, argv, { stdio: ['pipe', 'pipe', 'pipe'], env });
    let stderr = '';
    const cancel = (): void => void child.kill('SIGINT');
    options.signal?.addEventListener('abort', cancel, { once: true });
    if (options.signal?.aborted) {
      cancel();
    }
    child.stdin.on('error', () => undefined);
    // Not closed: its end tells the worker that this process is gone, however it ended, and the steps end with it.
    child.stdin.write(`${JSON.stringify({ secrets: options.secrets })}\n`);
    child.stdout.on('data', onBytes);
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-8_000);
    });
    child.once('error', (error) => {
      options.signal?.removeEventListener('abort', cancel);
      reject(
        new UserError(
          'python-missing',
          {
            what: `Python could not be started: ${installation.localPython}.`,
            why: error.message,
            next: 'Install Python 3.9 or newer, or choose another one.',
            remedies: [{ do: 'set-python' }],
          },
          { cause: error },
        ),
      );
    });
    child.once('close', () => {
      options.signal?.removeEventListener('abort', cancel);
      resolve(stderr);
    });
  });
}

/** This process may hold the account's key; a program of the project has no use for it (docs/security.md, rule 8). */
function withoutKeys(env: NodeJS.ProcessEnv, secrets: string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name, value]) => !isCredential(name, value ?? '') && !secrets.includes(name)),
  );
}
