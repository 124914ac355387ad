import { parseProject, stepPlace } from '../../core/project/parse.ts';
import type { JobView, StepView } from '../../core/journal/view.ts';
import { duration, stepWords } from '../../core/words/index.ts';
import { timeText } from '../common/text.ts';
import { commands, type CommandId } from '../ids.ts';

export interface LensPlace {
  offset: number;
  title: string;
  tooltip: string;
  command: CommandId;
  /** The step to start from. */
  step?: string;
  /** The job whose step is shown. */
  job?: string;
}

/** What a run would cost. */
export interface PriceLens {
  title: string;
  tooltip: string;
}

/** A job of the file, as far as its steps' results are told. */
export interface LastJob {
  job: string;
  /** ISO time. */
  created: string;
  view: Pick<JobView, 'steps'>;
}

const ended: readonly StepView['status'][] = ['passed', 'skipped', 'failed', 'timeout', 'cancelled'];
const signs: Partial<Record<StepView['status'], string>> = { passed: 'pass', skipped: 'debug-step-over' };

/** How a step ended in the newest job in which it did. */
function lastResult(step: string, jobs: readonly LastJob[]): Omit<LensPlace, 'offset'> | undefined {
  for (const { job, created, view } of jobs.toSorted((a, b) => (a.created < b.created ? 1 : -1))) {
    const found = view.steps.find(({ name, status }) => name === step && ended.includes(status));
    if (found !== undefined) {
      const time = found.seconds === undefined || found.status === 'skipped' ? '' : ` in ${duration(found.seconds)}`;
      return {
        title: `$(${signs[found.status] ?? 'error'}) ${stepWords[found.status]}${time}, ${timeText(created)}`,
        tooltip: found.reason ?? `How "${step}" ended in the last job in which it did. Opens that job.`,
        command: commands.openJob,
        step,
        job,
      };
    }
  }
  return undefined;
}

/** What can be done with a project file and where that stands in its text. A broken file can only be checked. */
export function lensPlaces(text: string, jobs: readonly LastJob[] = [], price?: PriceLens): LensPlace[] {
  const check: LensPlace = {
    offset: 0,
    title: '$(check) Check',
    tooltip: 'Looks for problems in this file and the files that it names. Costs nothing.',
    command: commands.check,
  };
  const { project } = parseProject(text);
  if (project === undefined) {
    return [check];
  }
  const run: LensPlace = {
    offset: 0,
    title: '$(play) Run',
    tooltip: 'Runs the steps in order. You see what will happen and what it may cost before anything starts.',
    command: commands.run,
  };
  const sync: LensPlace = {
    offset: 0,
    title: '$(checklist) Plan Sync',
    tooltip: 'Shows what would be sent to the volume, which way and how long it takes. Sends nothing.',
    command: commands.planSync,
  };
  const steps = project.steps.flatMap((step, index): LensPlace[] => {
    const place = stepPlace(text, index);
    const tooltip = `Runs "${step.name}" and every step after it, also when they are unchanged.`;
    if (place === undefined) {
      return [];
    }
    const { offset } = place;
    const result = lastResult(step.name, jobs);
    return [
      { offset, title: '$(play) Run from here', tooltip, command: commands.runFrom, step: step.name },
      ...(result === undefined ? [] : [{ offset, ...result }]),
    ];
  });
  const cost = price === undefined ? [] : [{ offset: 0, ...price, command: commands.run }];
  return [run, ...cost, check, sync, ...steps];
}
