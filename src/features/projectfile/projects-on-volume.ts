import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import { loadProject, type LoadedProject } from '../../core/project/load.ts';
import type { Volume } from '../../core/runpod/schemas.ts';
import { projectFiles } from './project-files.ts';

/** The project file of this window that names the volume of a row; undefined when the user gave up. */
export async function chooseProjectOnVolume(
  vs: typeof vscode,
  volumes: readonly Volume[],
  target: unknown,
  title = 'Sync Project Here',
): Promise<vscode.Uri | undefined> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  const volume = volumes.find((v) => v.id === id);
  if (volume === undefined) {
    throw new UserError('no-volume', {
      what: 'No volume was chosen.',
      next: 'Use the menu of a volume in the Volumes view.',
    });
  }
  const fitting = await projectsOnVolume(vs, volume);
  if (fitting.length === 0) {
    throw new UserError('no-project-here', {
      what: `No project file in this window names the volume ${volume.name} in ${volume.dataCenter}.`,
      next: 'Name it in "target.volume" of a project file, or create one with "RunPod: Create Project File…".',
    });
  }
  return fitting.length === 1
    ? fitting[0]?.uri
    : (await vs.window.showQuickPick(fitting, { title, placeHolder: 'Which project?' }))?.uri;
}

/** The project files of this window that name a volume, as a pick shows them. */
export async function projectsOnVolume(
  vs: typeof vscode,
  volume: Pick<Volume, 'id' | 'name' | 'dataCenter'>,
): Promise<{ label: string; description: string; uri: vscode.Uri; loaded: LoadedProject }[]> {
  const fitting = [];
  for (const uri of await projectFiles(vs)) {
    // A file with problems shows them itself; it is no project to choose here.
    const loaded = await loadProject(uri.fsPath).catch(() => undefined);
    const wanted = loaded?.project.target.volume;
    const isHere = wanted?.dataCenter === undefined || wanted.dataCenter === volume.dataCenter;
    if (loaded !== undefined && isHere && (wanted?.name === volume.name || wanted?.name === volume.id)) {
      fitting.push({ label: loaded.project.name, description: vs.workspace.asRelativePath(uri), uri, loaded });
    }
  }
  return fitting;
}
