import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { UserError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { readIfThere } from '../core/files.ts';
import { fileKeyPair, homeFolder, hostKeysIn, platformIn, recordsIn, type Installation } from '../core/installation.ts';
import { RunPodClient } from '../core/runpod/client.ts';
import { defaultRestUrl, type RunPodConnection } from '../core/runpod/connection.ts';

export interface GlobalOptions {
  sandbox?: boolean;
  python?: string;
}

/** Folder that holds the built parts: beside the bundle, or `dist` when this runs from source. */
export function distFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return existsSync(join(here, 'worker.pyz')) ? here : join(here, '..', '..', 'dist');
}

/** Folder of the sandbox that `runpod-trainer sandbox` starts. */
export function sandboxFolder(): string {
  return join(homeFolder(), 'sandbox');
}

const connectionSchema = z.object({ restUrl: z.string(), key: z.string() });

/**
 * Where the API is and the key for it, in this order: the sandbox when asked for, `RUNPOD_API_KEY` (with
 * `RUNPOD_REST_URL`), RunPod's own configuration file. A key is never taken as an argument.
 */
export async function findConnection(options: GlobalOptions, env = process.env): Promise<RunPodConnection> {
  if (options.sandbox === true) {
    const text = await readIfThere(join(sandboxFolder(), 'connection.json'));
    const parsed = text === undefined ? undefined : connectionSchema.safeParse(parseJson(text));
    if (parsed?.success !== true) {
      throw new UserError('sandbox-off', {
        what: 'The local sandbox is not running.',
        next: 'Start it in another terminal with: runpod-trainer sandbox',
      });
    }
    return { restUrl: parsed.data.restUrl, apiKey: parsed.data.key };
  }
  const apiKey = env.RUNPOD_API_KEY ?? keyFromConfig();
  if (apiKey === undefined || apiKey === '') {
    throw new UserError('no-key', {
      what: 'There is no RunPod API key.',
      next: 'Set RUNPOD_API_KEY, or use --sandbox to run on this machine for free.',
    });
  }
  return { restUrl: env.RUNPOD_REST_URL ?? defaultRestUrl, apiKey };
}

/** The key that RunPod's own command line keeps. */
function keyFromConfig(): string | undefined {
  const file = join(homedir(), '.runpod', 'config.toml');
  if (!existsSync(file)) {
    return undefined;
  }
  return /^\s*api_?key\s*=\s*["']([^"']+)["']/im.exec(readFileSync(file, 'utf8'))?.[1];
}

export async function makeInstallation(options: GlobalOptions): Promise<Installation> {
  const connection = await findConnection(options);
  const home = homeFolder();
  return {
    client: new RunPodClient(connection),
    restUrl: connection.restUrl,
    workerFile: join(distFolder(), 'worker.pyz'),
    localPython: options.python ?? process.env.RUNPOD_TRAINER_PYTHON ?? 'python3',
    key: await fileKeyPair(home),
    hostKeys: hostKeysIn(home),
    records: recordsIn(home),
    platform: platformIn(home),
  };
}
