import type * as vscode from 'vscode';
import type { JobRecords } from '../../core/journal/records.ts';
import type { PanelAction } from '../../messages/job-panel.ts';
import { commands } from '../ids.ts';
import { revealFolder } from '../common/reveal-folder.ts';
import { logUri } from './log-address.ts';
import { recordFolder } from './panel-state.ts';

/** Does what a button of the panel asks for; commands show their own failures. */
export async function runPanelAction(
  vs: typeof vscode,
  records: JobRecords,
  { job, action, step }: { job: string; action: PanelAction; step: string },
): Promise<void> {
  const run = (command: string, ...args: unknown[]): Thenable<unknown> => vs.commands.executeCommand(command, ...args);
  const record = await records.get(job);
  if (record === undefined) {
    return;
  }
  switch (action) {
    case 'cancel':
      await run(commands.cancelJob, { id: job });
      return;
    case 'attach':
      await run(commands.attachJob, { id: job });
      return;
    case 'explain':
      await run(commands.explainFailure, { id: job });
      return;
    case 'fetch':
      await run(commands.fetchResults, { id: job });
      return;
    case 'openResults':
      await run(commands.openResults, { id: job });
      return;
    case 'resume':
      await run(commands.runFrom, { id: job });
      return;
    case 'rerun':
      await run(commands.run, vs.Uri.file(record.file));
      return;
    case 'openLog':
      await vs.window.showTextDocument(logUri(vs, record.project, job, step), { preview: true });
      return;
    case 'openProjectFile':
      await vs.window.showTextDocument(vs.Uri.file(record.file));
      return;
    case 'openRecord':
      await revealFolder(vs, recordFolder(records.journalFile(job)));
      return;
    case 'copyJobId':
      await run(commands.copyId, { id: job });
      return;
  }
}
