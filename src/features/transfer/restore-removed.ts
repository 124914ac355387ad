import type * as vscode from 'vscode';
import type { Installation } from '../../core/home/installation.ts';
import { loadProject } from '../../core/project/load.ts';
import type { FetchResult } from '../../core/transport/progress.ts';
import { chooseSetAside, withSetAside, type SetAside } from '../../core/volumes/browse/set-aside.ts';
import { byteText, count } from '../../core/words/index.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { plainText, timeText } from '../common/text.ts';
import { chooseProjectFile, saveChanges } from '../projectfile/choose.ts';

const title = 'Restore Removed Files';

/** Lets the user pick from what runs have set aside on a project's volume, and brings it back into the project's folder. */
export async function restoreRemoved(
  vs: typeof vscode,
  installation: () => Promise<Installation>,
  target: unknown,
): Promise<FetchResult | undefined> {
  const file = await chooseProjectFile(vs, target, title);
  if (file === undefined) {
    return undefined;
  }
  await saveChanges(vs, file);
  const [here, loaded] = await Promise.all([installation(), loadProject(file.fsPath)]);
  const ended = await withProgress(vs, { title }, (signal, report) =>
    withSetAside(
      here,
      loaded,
      async ({ files, restore }) => {
        if (files.length === 0) {
          throw new NothingToDo('Nothing is set aside on the volume of this project.');
        }
        const chosen = await choose(vs, chooseSetAside(files, []));
        report(chosen === undefined ? '' : count(chosen.length, 'file'));
        return chosen && restore(chosen, { signal });
      },
      signal,
    ),
  );
  const done = valueOf(ended);
  if (done !== undefined) {
    tell(vs, done);
  }
  return done;
}

async function choose(vs: typeof vscode, files: readonly SetAside[]): Promise<SetAside[] | undefined> {
  const items = files.map((one) => ({
    label: plainText(one.path),
    description: `${byteText(one.size)}, set aside ${timeText(one.time)}`,
    one,
  }));
  const placeHolder = 'What comes back? Nothing here is written over.';
  const picked = await vs.window.showQuickPick(items, { title, placeHolder, canPickMany: true });
  return picked === undefined || picked.length === 0 ? undefined : picked.map(({ one }) => one);
}

function tell(vs: typeof vscode, { files, left }: FetchResult): void {
  const came = `${count(files, 'file')} brought back.`;
  const [first] = left;
  if (first === undefined) {
    void vs.window.showInformationMessage(came);
  } else {
    const more = left.length > 1 ? ` ${count(left.length - 1, 'more file')} did not come either.` : '';
    void vs.window.showWarningMessage(plainText(`${came} ${first.path} stays on the volume: ${first.reason}${more}`));
  }
}
