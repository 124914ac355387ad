import type * as vscode from 'vscode';
import { pricePerHour } from '../../core/words/index.ts';
import { describeJob } from '../jobs/job-nodes.ts';
import { describePod, labelOf } from '../pods/pod-nodes.ts';
import { commands, type CommandId } from '../ids.ts';
import type { RunningNow } from './running-status.ts';

interface Action extends vscode.QuickPickItem {
  command?: CommandId;
  target?: { id: string };
}

/** What runs, and under each thing what can be done to it. */
export function runningMenu(vs: typeof vscode, running: RunningNow, free: boolean, now = new Date()): Action[] {
  const heading = (label: string): Action => ({ label, kind: vs.QuickPickItemKind.Separator });
  const jobs = running.jobs.flatMap((job): Action[] => {
    const target = { id: job.job };
    return [
      heading(`Job ${job.project}`),
      {
        label: `$(open-preview) Open ${job.project}`,
        description: describeJob(job, now),
        command: commands.openJob,
        target,
      },
      { label: `$(debug-stop) Cancel ${job.project}…`, command: commands.cancelJob, target },
    ];
  });
  const pods = running.pods.flatMap((pod): Action[] => {
    const target = { id: pod.id };
    const idle = running.idle.includes(pod) ? ' · no job runs on it' : '';
    const work = running.works.get(pod.id);
    const description = `${describePod(pod, now, free)}${idle}`;
    const saves = `ends what it costs: ${pricePerHour(pod.cost, free)}`;
    if (work !== undefined) {
      // Ending it would cut what is on its way.
      return [
        heading(`Pod ${labelOf(pod)}`),
        { label: `$(sync) ${labelOf(pod)}: ${work}`, description, detail: 'It ends itself when that is done.' },
      ];
    }
    return [
      heading(`Pod ${labelOf(pod)}`),
      ...(pod.actions.includes('terminate')
        ? [
            {
              label: `$(trash) Terminate ${labelOf(pod)}…`,
              description,
              detail: saves,
              command: commands.terminatePod,
              target,
            },
          ]
        : []),
      ...(pod.actions.includes('stop')
        ? [{ label: `$(debug-stop) Stop ${labelOf(pod)}…`, command: commands.stopPod, target }]
        : []),
    ];
  });
  return [...jobs, ...pods];
}

/** Lets the user choose what to do about what runs. */
export async function showRunning(vs: typeof vscode, running: RunningNow, free: boolean): Promise<void> {
  const items = runningMenu(vs, running, free);
  if (items.length === 0) {
    vs.window.setStatusBarMessage('$(check) Nothing runs, so nothing costs by the hour', 8000);
    return;
  }
  const chosen = await vs.window.showQuickPick(items, { title: 'What Runs', placeHolder: 'What should be done?' });
  if (chosen?.command !== undefined) {
    await vs.commands.executeCommand(chosen.command, chosen.target);
  }
}
