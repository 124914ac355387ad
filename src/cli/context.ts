import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../core/errors.ts';
import { homeFolder } from '../core/home/folder.ts';
import { openInstallation, type Installation } from '../core/home/installation.ts';
import { findSandbox } from '../core/home/sandbox.ts';
import { RunPodClient } from '../core/runpod/client.ts';
import { defaultRestUrl, type RunPodConnection } from '../core/runpod/connection.ts';
import { callText, type ApiCall } from '../core/runpod/http.ts';
import type { S3Source } from '../core/s3/s3-source.ts';
import { printable } from './style.ts';

export interface GlobalOptions {
  sandbox?: boolean;
  python?: string;
  /** Tells each request to RunPod. */
  verbose?: boolean;
}

/** Folder that holds the built parts: beside the bundle, or `dist` when this runs from source. */
export function distFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return existsSync(join(here, 'worker.pyz')) ? here : join(here, '..', '..', 'dist');
}

export interface Connections extends RunPodConnection {
  s3: S3Source;
}

/**
 * Where the API is and the key for it, in this order: the sandbox when asked for, `RUNPOD_API_KEY` (with
 * `RUNPOD_REST_URL`), RunPod's own configuration file. S3 is found beside it: `RUNPOD_S3_ACCESS_KEY_ID` and
 * `RUNPOD_S3_SECRET_ACCESS_KEY` (with `RUNPOD_TRAINER_S3_URL`). A key is never taken as an argument.
 */
export async function findConnection(options: GlobalOptions, env = process.env): Promise<Connections> {
  if (options.sandbox === true) {
    const running = await findSandbox(homeFolder());
    if (running === undefined) {
      throw new UserError('sandbox-off', {
        what: 'The local sandbox is not running.',
        next: 'Start it in another terminal with: runpod-trainer sandbox',
      });
    }
    const { restUrl, key: apiKey, s3Url: template, s3Keys } = running;
    return { restUrl, apiKey, s3: { endpoints: { template }, keys: () => Promise.resolve(s3Keys) } };
  }
  const apiKey = env.RUNPOD_API_KEY ?? keyFromConfig();
  if (apiKey === undefined || apiKey === '') {
    throw new UserError('no-key', {
      what: 'There is no RunPod API key.',
      next: 'Set RUNPOD_API_KEY, or use --sandbox to run on this machine for free.',
    });
  }
  const { RUNPOD_S3_ACCESS_KEY_ID: accessKeyId, RUNPOD_S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  const keys = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
  const s3 = { endpoints: { template: env.RUNPOD_TRAINER_S3_URL }, keys: () => Promise.resolve(keys) };
  return { restUrl: env.RUNPOD_REST_URL ?? defaultRestUrl, apiKey, s3 };
}

/** The key that RunPod's own command line keeps. */
function keyFromConfig(): string | undefined {
  const file = join(homedir(), '.runpod', 'config.toml');
  if (!existsSync(file)) {
    return undefined;
  }
  return /^\s*api_?key\s*=\s*["']([^"']+)["']/im.exec(readFileSync(file, 'utf8'))?.[1];
}

/** On standard error, beside what a command says. */
function tellCall(call: ApiCall): void {
  process.stderr.write(`${new Date().toISOString()} ${printable(callText(call))}\n`);
}

export async function makeInstallation(options: GlobalOptions): Promise<Installation> {
  const connection = await findConnection(options);
  return openInstallation(homeFolder(), {
    asker: 'terminal',
    client: new RunPodClient(connection, options.verbose === true ? { log: tellCall } : {}),
    restUrl: connection.restUrl,
    workerFile: join(distFolder(), 'worker.pyz'),
    localPython: options.python ?? process.env.RUNPOD_TRAINER_PYTHON ?? 'python3',
    endKeySecret: process.env.RUNPOD_TRAINER_END_KEY_SECRET?.trim() || undefined,
    s3: connection.s3,
  });
}

/** A variable of the environment; never what every object has under that name. */
export function ownVariable(name: string): string | undefined {
  return Object.hasOwn(process.env, name) ? process.env[name] : undefined;
}
