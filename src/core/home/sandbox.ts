import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { parseJson } from '../json.ts';
import { isLoopback } from '../runpod/connection.ts';
import { exchangeText } from '../runpod/wire.ts';

/** The file in which a sandbox says where it is; a sandbox that was killed leaves it behind. */
export const connectionFile = 'connection.json';
/** Names the folder of a sandbox that was started elsewhere than in the home. */
const elsewhereFile = 'sandbox-elsewhere.json';
/** A sandbox at work on a big listing may take its time; another program at its port may never answer. Ms. */
const patience = 5_000;

const loopback = z.url().refine(isLoopback);
const connectionSchema = z.object({
  restUrl: loopback,
  key: z.string(),
  s3Url: loopback,
  s3Keys: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  pid: z.int(),
});
export type SandboxConnection = z.infer<typeof connectionSchema>;

const identitySchema = z.object({ sandbox: z.literal('runpod-trainer'), pid: z.int().positive(), proof: z.string() });

/** Folder of a home that keeps its sandbox's volumes and bills. */
export function sandboxFolder(home: string): string {
  return join(home, 'sandbox');
}

/** What a sandbox has written about itself; undefined while that is not whole. */
export function readConnection(text: string): SandboxConnection | undefined {
  return connectionSchema.safeParse(parseJson(text)).data;
}

/** The sandbox that runs now, whoever started it: that of the home, else the one that was noted. */
export async function findSandbox(home: string): Promise<SandboxConnection | undefined> {
  return (await runningIn(sandboxFolder(home))) ?? (await runningElsewhere(home));
}

/**
 * The sandbox of a folder, once it has answered: a file may be of one that was killed, and its process id and its port
 * may be another program's since.
 */
export async function runningIn(folder: string): Promise<SandboxConnection | undefined> {
  const text = await readIfThere(join(folder, connectionFile));
  const told = text === undefined ? undefined : readConnection(text);
  const pid = told === undefined ? undefined : await provenPid(told);
  return told === undefined || pid === undefined ? undefined : { ...told, pid };
}

const kept = /^(?:PATH|HOME|USER|LOGNAME|SHELL|TZ|TMPDIR|LANG|LC_\w+|NODE_\w+|ELECTRON_\w+)$/;

/** What a sandbox is given of an environment: nothing that opens an account, since its pods may read what it was given. */
export function sandboxEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => kept.test(name)));
}

/** Notes the folder of a sandbox, so that it is found. The answer takes the note back. */
export async function noteElsewhere(home: string, folder: string): Promise<() => Promise<void>> {
  const file = join(home, elsewhereFile);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, JSON.stringify({ folder }));
  return () => rm(file, { force: true });
}

async function runningElsewhere(home: string): Promise<SandboxConnection | undefined> {
  const text = await readIfThere(join(home, elsewhereFile));
  const noted = z.object({ folder: z.string() }).safeParse(parseJson(text ?? '')).data;
  return noted === undefined ? undefined : runningIn(noted.folder);
}

/** The process of the sandbox that has this key; undefined when none answers, or something else does. */
async function provenPid({ restUrl, key }: SandboxConnection): Promise<number | undefined> {
  const nonce = randomBytes(16).toString('hex');
  const answer = await exchangeText({
    method: 'GET',
    url: new URL(`/sandbox?nonce=${nonce}`, restUrl).href,
    headers: { Accept: 'application/json' },
    body: undefined,
    timeoutMs: patience,
    signal: undefined,
  });
  const identity = 'lost' in answer ? undefined : identitySchema.safeParse(parseJson(answer.text)).data;
  if (identity === undefined) {
    return undefined;
  }
  const proof = createHmac('sha256', key).update(`${identity.pid} ${nonce}`).digest();
  const given = Buffer.from(identity.proof, 'hex');
  return given.length === proof.length && timingSafeEqual(given, proof) ? identity.pid : undefined;
}
