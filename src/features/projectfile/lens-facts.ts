import { estimateRun } from '../../core/costs/estimate-run.ts';
import { leftToday } from '../../core/caps/day.ts';
import type { Installation } from '../../core/home/installation.ts';
import { mostOver } from '../../core/jobs/plan.ts';
import { stepsOn } from '../../core/journal/spec.ts';
import { candidates } from '../../core/pods/hardware.ts';
import { planVolume } from '../../core/pods/volume.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { dollars, priced } from '../../core/words/index.ts';
import type { PriceLens } from './lenses.ts';

/** What a run of the project would cost, from what this computer remembers and the catalog; rents and scans nothing. */
export async function priceOf(
  here: Installation,
  loaded: LoadedProject,
  signal: AbortSignal,
): Promise<PriceLens | undefined> {
  const { project } = loaded;
  const podSteps = stepsOn(project, 'pod');
  if (podSteps.length === 0) {
    return undefined;
  }
  const volume = await planVolume(here.client, project.target.volume, signal);
  const dataCenter = volume.exists ? volume.volume.dataCenter : volume.dataCenter;
  const list = await candidates(here.client, project.target, dataCenter, signal);
  const mostDollars = mostOver(project, list, await leftToday(here, project, signal));
  const plan = { loaded, volume, dataCenter, candidates: list, podSteps, mostDollars, foreseen: [] };
  const { likely, text, assumptions } = await estimateRun(here, plan);
  const amount =
    likely !== null ? `≈ ${dollars(likely)}` : mostDollars !== null ? `at most ${dollars(mostDollars)}` : '';
  return amount === ''
    ? undefined
    : { title: priced(amount, here.client.free), tooltip: [`A whole run: ${text}.`, ...assumptions].join('\n') };
}
