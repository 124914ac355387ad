import type * as vscode from 'vscode';
import { CancelledError, messageOf, UserError } from '../../core/errors.ts';
import { commands } from '../ids.ts';
import type { Log } from './log.ts';

/** A button under a message. */
export interface FailureAction {
  title: string;
  command: string;
  arguments?: unknown[];
}

const signIn: FailureAction = { title: 'Sign In…', command: commands.signIn };
const openUrlSetting: FailureAction = {
  title: 'Open Setting',
  command: 'workbench.action.openSettings',
  arguments: ['runpodTrainer.restUrl'],
};
const setS3Keys: FailureAction = { title: 'Set S3 Keys…', command: commands.setS3Keys };
const showLog: FailureAction = { title: 'Show Log', command: commands.showLog };

/** What helps, by the error's code. */
const actionsByCode: Record<string, FailureAction[]> = {
  'signed-out': [signIn],
  'runpod-auth': [signIn],
  'runpod-key': [signIn],
  'runpod-permission': [signIn],
  'runpod-url': [openUrlSetting],
  'runpod-v1': [openUrlSetting],
  'runpod-schema': [openUrlSetting, showLog],
  's3-none': [setS3Keys],
  's3-keys': [setS3Keys],
  's3-denied': [setS3Keys],
  'volume-no-keys': [setS3Keys],
  untrusted: [{ title: 'Manage Trust', command: 'workbench.trust.manage' }],
};

/** The text and the buttons for a failure; undefined when the user asked for the stop. */
export function describeFailure(
  error: unknown,
  doing: string,
): { text: string; actions: FailureAction[]; unexpected: boolean } | undefined {
  if (error instanceof CancelledError) {
    return undefined;
  }
  if (error instanceof UserError) {
    return { text: error.message, actions: actionsByCode[error.code] ?? [], unexpected: false };
  }
  const text = `"${doing}" failed for a reason that was not foreseen: ${messageOf(error)}`;
  return { text, actions: [showLog], unexpected: true };
}

/** Shows failures to the user: one message each, with buttons for what helps. */
export class Failures {
  readonly #vs: typeof vscode;
  readonly #log: Log;

  constructor(vs: typeof vscode, log: Log) {
    this.#vs = vs;
    this.#log = log;
  }

  /** Does not wait for the user. `doing` is what was attempted, in the user's words. */
  show(error: unknown, doing: string): void {
    const failure = describeFailure(error, doing);
    if (failure === undefined) {
      return;
    }
    this.#log.error(`${doing}:`, error instanceof Error && failure.unexpected ? error : failure.text);
    const { text, actions } = failure;
    void this.#vs.window.showErrorMessage(text, ...actions.map((a) => a.title)).then((chosen) => {
      const action = actions.find((a) => a.title === chosen);
      return action && this.#vs.commands.executeCommand(action.command, ...(action.arguments ?? []));
    });
  }
}
