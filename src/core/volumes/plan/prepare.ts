import type { Installation } from '../../home/installation.ts';
import type { LoadedProject } from '../../project/load.ts';
import { lookAround, rememberedSurroundings } from './surroundings.ts';
import { collect } from '../../files/to-upload.ts';
import { lastKnownState, readLastKnown } from './last-transfer.ts';
import { planCollected, type PreparedPlan } from './plan.ts';
import type { RouteKind, Surroundings } from './route.ts';
import type { AskFar } from './types.ts';

export interface PrepareOptions {
  /** Undefined plans without asking anybody, from what this machine remembers. */
  installation: Pick<Installation, 'client' | 's3'> | undefined;
  /** How to ask the far end where that costs nothing; undefined, or an answer of undefined, where it cannot be asked. */
  farEnd?: ((around: Surroundings) => AskFar | undefined) | undefined;
  route?: RouteKind | undefined;
  deletes?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The plan of a project's transfer as things are now: scans, hashes, looks around and compares. Starts nothing, changes
 * nothing at the far end and costs nothing. Rejects with the codes of `collect`, `lookAround` and `chooseRoute`.
 */
export async function preparePlan(
  loaded: Pick<LoadedProject, 'root' | 'project'>,
  options: PrepareOptions,
): Promise<PreparedPlan> {
  const { installation, route, signal } = options;
  const wanted = loaded.project.target.volume;
  const known = await readLastKnown(loaded.root);
  const [collected, around] = await Promise.all([
    collect(loaded, signal),
    installation === undefined ? rememberedSurroundings(known, wanted) : lookAround(installation, wanted, signal),
  ]);
  const deletes = options.deletes ?? false;
  const ask = around.volume.id === null ? undefined : options.farEnd?.(around);
  const far = ask === undefined ? lastKnownState(known, around.volume.id) : await ask(signal, collected.files);
  const rates = known !== undefined && known.volume.id === around.volume.id ? known.rates : undefined;
  return planCollected(loaded, collected, { far, around, route, deletes, rates, signal });
}
