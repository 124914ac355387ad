import * as z from 'zod';
import type { SshConnection } from '../../ssh/index.ts';
import { workerSomewhere } from '../../pods/install-worker.ts';

const status = z
  .number()
  .nullish()
  .transform((s) => s ?? undefined);
const probeSchema = z.object({
  /** Where the variables of the pod were found. */
  where: z.string().nullable(),
  /** Whether a session over SSH has them itself. */
  session: z.boolean(),
  /** Whether the pod has a key of its own. */
  key: z.boolean(),
  file: z.boolean().default(false),
  get: status,
  start: status,
  patch: status,
  delete: status,
  /** Size that `df` shows for the volume, in GB. */
  dfGb: status,
});
export type PodProbe = z.infer<typeof probeSchema>;

/**
 * Looks at a pod from inside and tries the pod's own key, with the worker's command for it: `look` changes nothing; `end`
 * lets the pod terminate itself. The key is read where it is and goes nowhere but to the API.
 */
export async function probePod(
  { connection, workerFile }: { connection: SshConnection; workerFile: string },
  pod: { id: string; name: string },
  what: { mode: 'look' | 'end'; restUrl: string; mount?: string | undefined },
  signal?: AbortSignal,
): Promise<PodProbe> {
  const worker = await workerSomewhere(connection, what.mount, workerFile, signal);
  const argv = ['python3', worker, 'probe', what.mode, '--rest-url', what.restUrl, '--pod', pod.id, '--name', pod.name];
  const mount = what.mount === undefined ? [] : ['--mount', what.mount];
  const result = await connection.exec([...argv, ...mount], { signal, maxStdout: 65_536 });
  const text = result.stdout.toString('utf8').trim();
  if (result.code !== 0 || text === '') {
    throw new Error(
      `The probe failed on the pod with code ${result.code}: ${(result.stderr || text).trim().split('\n').at(-1) ?? ''}`,
    );
  }
  return probeSchema.parse(JSON.parse(text));
}
