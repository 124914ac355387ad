import type * as vscode from 'vscode';
import { limits } from '../../core/contract.ts';
import type { RunPlan } from '../../core/jobs/plan.ts';
import { goneEdits, type GoneAnswer } from '../../core/project/gone.ts';
import type { AskGone } from '../../core/volumes/ghosts.ts';
import { plainText } from '../common/text.ts';
import { changeProjectFile } from '../projectfile/edit.ts';

const buttons: Record<string, GoneAnswer> = { 'Remove There': 'remove', 'Keep There': 'keep' };
const detail = `Removed means set aside there for ${limits.removedDays} days. The answer is kept in "sync.gone" of the project file. Nothing has been rented yet.`;

/** Asks whether data on the volume that is not here any more is removed or kept, and writes the answer into the project file. */
export function askGone(vs: typeof vscode, { loaded, profile }: RunPlan): AskGone {
  return async ({ text, patterns }) => {
    const question = plainText(text);
    const chosen = await vs.window.showWarningMessage(question, { modal: true, detail }, ...Object.keys(buttons));
    const answer = chosen === undefined ? undefined : buttons[chosen];
    if (answer !== undefined) {
      const file = vs.Uri.file(loaded.file);
      await changeProjectFile(vs, file, (before) => goneEdits(before, profile, answer, patterns));
    }
    return answer;
  };
}
