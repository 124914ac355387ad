import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Installation } from '../../src/core/home/installation.ts';
import type { Account } from './account.ts';
import { makeInstallation } from './installation.ts';
import { until } from './wait.ts';

/** Runs a program of the tests as a client of its own, and kills it once it has called `atWork`. */
export async function killAtWork(
  program: string,
  account: Account,
  env: Record<string, string>,
  timeoutMs: number,
): Promise<void> {
  const client = spawn(process.execPath, [program], {
    env: {
      PATH: process.env.PATH,
      RUNPOD_TRAINER_DIST: path.dirname(account.installation.workerFile),
      REST_URL: account.sandbox.restUrl,
      API_KEY: account.sandbox.key,
      HOME_FOLDER: path.join(account.folder, 'killed'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    client.stdout.on('data', (data: Buffer) => (said += data.toString()));
    await until('the client is at work', () => said.includes('at work'), timeoutMs);
  } finally {
    client.kill('SIGKILL');
  }
}

/** Within such a program: the installation that it was given. */
export function givenInstallation(): Installation {
  const { REST_URL: restUrl = '', API_KEY: apiKey = '', HOME_FOLDER: home = '' } = process.env;
  return makeInstallation(restUrl, apiKey, home);
}

/** Within such a program: says that it may be killed now. */
export function atWork(): void {
  process.stdout.write('at work\n');
}
