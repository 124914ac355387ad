import { parseProject, stepPlace } from '../../core/project/parse.ts';
import { commands, type CommandId } from '../ids.ts';

export interface LensPlace {
  offset: number;
  title: string;
  tooltip: string;
  command: CommandId;
  /** The step to start from. */
  step?: string;
}

/** What can be done with a project file and where that stands in its text. A broken file can only be checked. */
export function lensPlaces(text: string): LensPlace[] {
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
    title: '⇅ Plan sync',
    tooltip: 'Shows what would be sent to the volume, which way and how long it takes. Sends nothing.',
    command: commands.planSync,
  };
  const steps = project.steps.flatMap((step, index): LensPlace[] => {
    const place = stepPlace(text, index);
    const tooltip = `Runs "${step.name}" and every step after it, also when they are unchanged.`;
    return place === undefined
      ? []
      : [{ offset: place.offset, title: '$(play) Run from here', tooltip, command: commands.runFrom, step: step.name }];
  });
  return [run, check, sync, ...steps];
}
