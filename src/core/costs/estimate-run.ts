import { recordedBoots } from '../journal/boots.ts';
import type { Installation } from '../home/installation.ts';
import type { StepForesight } from '../jobs/foresight.ts';
import type { ForeseenPod } from '../jobs/reuse.ts';
import type { RunPlan } from '../jobs/plan.ts';
import { shortName, type Candidate } from '../pods/hardware.ts';
import { volumeCostPerMonth } from '../pods/volume.ts';
import { estimate, type Estimate, type EstimateFacts, type StepFacts } from './estimate.ts';
import { EstimatesFile } from '../caps/estimates-file.ts';
import { stepHistory, type StepHistory } from '../caps/step-history.ts';

/** So many of the newest boots are looked at. */
const bootsRead = 10;

export type EstimateSource = Pick<Installation, 'client' | 'records' | 'restUrl' | 'home'>;
/** What an estimate needs of a plan. */
export type EstimatedPlan = Pick<
  RunPlan,
  'loaded' | 'volume' | 'dataCenter' | 'candidates' | 'podSteps' | 'mostDollars'
> & {
  /** What its steps will do; one that is not told of will run. */
  foreseen: readonly StepForesight[];
  /** The pod that is there already and that it will use. */
  pod?: ForeseenPod | undefined;
};

/**
 * What a planned run will cost, from what this computer remembers: asks nobody. `transfer` is the time of the upload
 * where the pod waits for it (routes over SSH); files that go over S3 are sent before.
 */
export async function estimateRun(
  source: EstimateSource,
  plan: EstimatedPlan,
  transfer: EstimateFacts['transfer'] = null,
): Promise<Estimate> {
  const { project } = plan.loaded;
  const [history, boots, record] = await Promise.all([
    stepHistory(source.records, project.name, source.restUrl),
    recordedBoots(source.records, source.restUrl),
    new EstimatesFile(source.home).record(source.records, project.name),
  ]);
  const size = plan.volume.exists ? plan.volume.volume.size : plan.volume.size;
  const { pod, candidates } = plan;
  const inStock = candidates.filter((c) => c.stock !== 'NONE');
  const asked = (inStock.length > 0 ? inStock : candidates).map((c) => c.costPerHour);
  return estimate({
    steps: stepFacts(plan, history),
    prices: pod === undefined ? asked : [pod.costPerHour],
    reused: pod?.name,
    boots: boots
      .filter((b) => b.dataCenter === plan.dataCenter)
      .slice(0, bootsRead)
      .map((b) => b.seconds),
    transfer,
    storage: { perMonth: volumeCostPerMonth(size), isNew: !plan.volume.exists },
    fetches: project.onFinish.fetch.length > 0,
    keeps: project.onFinish.pod === 'keep',
    mostDollars: plan.mostDollars,
    record,
    free: source.client.free,
  });
}

function stepFacts(
  { podSteps, foreseen, candidates, pod }: EstimatedPlan,
  history: Map<string, StepHistory>,
): StepFacts[] {
  const wanted = pod === undefined ? namesOf(candidates[0]) : [pod.hardware];
  return podSteps.map((step) => {
    const { runs } = history.get(step.name) ?? { runs: [] };
    const told = foreseen.find(({ name }) => name === step.name);
    const same = runs.filter((r) => wanted.includes(r.hardware));
    return {
      name: step.name,
      earlier: (same.length > 0 ? same : runs).map((r) => r.seconds),
      sameHardware: same.length > 0,
      timeoutSeconds: step.timeoutMinutes === undefined ? null : step.timeoutMinutes * 60,
      skipped: told?.runs === false,
      unsure: told?.unsure !== undefined,
    };
  });
}

/** What records call this hardware: they know a pod's GPU by its id only. */
function namesOf(candidate: Candidate | undefined): string[] {
  if (candidate === undefined) {
    return [];
  }
  const { label, id, count } = candidate;
  return [label, `${count > 1 ? `${count} × ` : ''}${shortName(id)}`];
}
