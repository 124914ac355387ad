import type * as vscode from 'vscode';
import type { Remedy } from '../../core/remedy.ts';
import { commands, settingsSection, views, type SettingName } from '../ids.ts';

/** A button under a message: a command with what it is about. */
export interface Button {
  title: string;
  command: string;
  arguments?: unknown[];
}

/** Makes the editor's address of a file. */
export type FileUri = (path: string) => unknown;

/** The editor's form of a remedy. */
export function buttonOf(remedy: Remedy, fileUri: FileUri): Button {
  switch (remedy.do) {
    case 'attach':
      return { title: 'Attach', command: commands.attachJob, arguments: [{ id: remedy.job }] };
    case 'cancel':
      return { title: 'Cancel Job…', command: commands.cancelJob, arguments: [{ id: remedy.job }] };
    case 'fetch':
      return { title: 'Fetch Results…', command: commands.fetchResults, arguments: [{ id: remedy.job }] };
    case 'run': {
      const file = remedy.file === undefined ? undefined : fileUri(remedy.file);
      return remedy.from === undefined
        ? { title: 'Run Pipeline…', command: commands.run, arguments: [file] }
        : { title: 'Run from Here…', command: commands.runFrom, arguments: [file, remedy.from] };
    }
    // The run asks.
    case 'adopt':
    case 'answer-gone':
      return { title: 'Run Pipeline…', command: commands.run };
    case 'show-jobs':
      return { title: 'Show Jobs', command: `${views.jobs}.focus` };
    case 'find-unused':
      return { title: 'Find Unused Resources', command: commands.findUnused };
    case 'regions': {
      const file = remedy.file === undefined ? undefined : fileUri(remedy.file);
      return { title: 'Choose Region…', command: commands.chooseRegion, arguments: [file] };
    }
    case 'move':
      return { title: 'Move Volume…', command: commands.moveVolume, arguments: [{ id: remedy.volume }] };
    case 'sign-in':
      return { title: 'Sign In…', command: commands.signIn };
    case 'set-s3-keys':
      return { title: 'Set S3 Keys…', command: commands.setS3Keys };
    case 'set-secret':
      return { title: `Set ${remedy.name}…`, command: commands.setSecret, arguments: [{ name: remedy.name }] };
    case 'set-python':
      return { title: 'Choose Python…', command: commands.choosePython };
    case 'set-end-key-secret':
      return setting('Set Secret Name', 'endKeySecret');
    case 'set-api-address':
      return setting('Open Setting', 'restUrl');
    case 'set-s3-address':
      return setting('Open Setting', 's3Endpoints');
  }
}

/** A message with buttons has room for a few. */
const mostButtons = 3;

/** The buttons of a message. */
export function buttonsOf(vs: Pick<typeof vscode, 'Uri'>, remedies: readonly Remedy[]): Button[] {
  const buttons = remedies.map((remedy) => buttonOf(remedy, (path) => vs.Uri.file(path)));
  const others = buttons.filter(({ title }, i) => buttons.findIndex((b) => b.title === title) === i);
  return others.slice(0, mostButtons);
}

/** Does what a button says. */
export async function press(vs: typeof vscode, button: Button | undefined): Promise<void> {
  if (button !== undefined) {
    await vs.commands.executeCommand(button.command, ...(button.arguments ?? []));
  }
}

function setting(title: string, name: SettingName): Button {
  return { title, command: 'workbench.action.openSettings', arguments: [`${settingsSection}.${name}`] };
}
