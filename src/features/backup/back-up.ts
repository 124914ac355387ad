import type * as vscode from 'vscode';
import { messageOf, UserError } from '../../core/errors.ts';
import { byteText, forPrice, pricePerHour } from '../../core/words/index.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecord } from '../../core/journal/records.ts';
import { loadProject, type LoadedProject } from '../../core/project/load.ts';
import type { Volume } from '../../core/runpod/schemas.ts';
import { backup, type BackupReport } from '../../core/volumes/backup.ts';
import { routeWords } from '../../core/volumes/plan/route.ts';
import type { Candidate } from '../../core/pods/hardware.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';
import type { Account } from '../account/account.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import type { PolledList } from '../common/polled-list.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { revealFolder } from '../common/reveal-folder.ts';
import type { OpenRecords } from '../account/installation.ts';
import { chooseProjectFile, saveChanges } from '../projectfile/choose.ts';
import { chooseProjectOnVolume } from '../projectfile/projects-on-volume.ts';
import { syncProgress } from '../transfer/sync-progress.ts';
import { chooseFolder } from './folder.ts';

export interface BackupContext {
  vs: typeof vscode;
  account: Account;
  installation: () => Promise<Installation>;
  records: OpenRecords;
  volumes: PolledList<Volume>;
  /** Folders that this window writes backups to now. */
  running: Set<string>;
}

const title = 'Back Up Project';
/** Files in a message. */
const named = 3;

/**
 * Brings everything of a project on its volume home: of the project that a volume's or a job's row is about, else the
 * one that the user picks. Answers the report; undefined when the user gave up.
 */
export async function backUp(context: BackupContext, target: unknown): Promise<BackupReport | undefined> {
  context.account.requireTrust();
  const loaded = await projectOf(context, target);
  const into = loaded && (await chooseFolder(context.vs, loaded));
  return loaded === undefined || into === undefined ? undefined : run(context, loaded, into);
}

async function projectOf({ vs, volumes, records }: BackupContext, target: unknown): Promise<LoadedProject | undefined> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  if (typeof id !== 'string') {
    return load(vs, await chooseProjectFile(vs, target, title));
  }
  const known = volumes.state.items ?? [];
  const record = known.some((volume) => volume.id === id) ? undefined : await (await records()).get(id);
  return record === undefined ? load(vs, await chooseProjectOnVolume(vs, known, target, title)) : projectOfJob(record);
}

async function load(vs: typeof vscode, file: vscode.Uri | undefined): Promise<LoadedProject | undefined> {
  if (file === undefined) {
    return undefined;
  }
  await saveChanges(vs, file);
  return loadProject(file.fsPath);
}

/** The project as the job knew it: its file may name another volume by now. */
async function projectOfJob({ file, project: name, volume }: JobRecord): Promise<LoadedProject> {
  if (volume === undefined) {
    throw new NothingToDo(`This job of ${name} never had a volume, so nothing of it could be backed up.`);
  }
  const loaded = await loadProject(file);
  const { target } = loaded.project;
  return { ...loaded, project: { ...loaded.project, name, target: { ...target, volume: { name: volume.id } } } };
}

async function run(context: BackupContext, loaded: LoadedProject, into: string): Promise<BackupReport | undefined> {
  const { vs, installation, running } = context;
  const { name } = loaded.project;
  if (running.has(into)) {
    throw new UserError('backup-running', {
      what: `A backup to ${into} is under way in this window.`,
      next: 'Wait until it has ended, or cancel it in its message.',
    });
  }
  running.add(into);
  try {
    const here = await installation();
    const ended = await withProgress(vs, { title: `Backing up ${name}` }, (signal, report) =>
      backup(here, {
        loaded,
        into,
        confirm: (offer) => mayRent(vs, name, offer, here.client.free),
        onEvent: syncProgress(report),
        signal,
      }),
    );
    if (ended.status === 'cancelled') {
      sayCancelled(context, loaded, into);
      return undefined;
    }
    const done = valueOf(ended);
    if (done !== undefined) {
      sayDone(vs, done, into);
    }
    return done;
  } finally {
    running.delete(into);
  }
}

async function mayRent(vs: typeof vscode, project: string, offer: Candidate, free: boolean): Promise<boolean> {
  const price = pricePerHour(offer.costPerHour, free);
  const button = `Rent and Back Up ${forPrice(pricePerHour(offer.costPerHour, false), free)}`;
  const detail = `Neither S3 nor a running pod leads to the volume. This pod brings the files home and is terminated at once, also when the backup fails or this window closes. Its price: ${price} while it runs, a few minutes and the time of the transfer.`;
  const question = `Rent a ${offer.label} to back up ${project}?`;
  return (await vs.window.showWarningMessage(question, { modal: true, detail }, button)) === button;
}

function sayCancelled(context: BackupContext, loaded: LoadedProject, into: string): void {
  const { vs } = context;
  const resume = 'Resume';
  const text = `The backup of ${loaded.project.name} was cancelled. What arrived stays in ${into}; the next one fetches only the rest.`;
  void vs.window.showInformationMessage(text, resume).then(async (chosen) => {
    if (chosen === resume) {
      await run(context, loaded, into).catch((error: unknown) => {
        void vs.window.showErrorMessage(messageOf(error));
      });
    }
  });
}

/** `whales is backed up: 31 files (9.0 MB), 3 of them fetched over s3 now`. */
function sayDone(vs: typeof vscode, report: BackupReport, into: string): void {
  const { project, files, bytes, fetched, route, notRead } = report;
  const all = files === 1 ? '1 file' : `${files} files`;
  const over = routeWords[route];
  const text = `${project} is backed up in ${into}: ${all} (${byteText(bytes)}), ${fetched.files} of them fetched ${over} now.`;
  const open = 'Open Folder';
  const shown =
    notRead.length === 0
      ? vs.window.showInformationMessage(text, open)
      : vs.window.showWarningMessage(`${text} ${missingText(notRead)}`, open);
  void shown.then((chosen) => (chosen === open ? revealFolder(vs, into) : undefined));
}

function missingText(notRead: readonly string[]): string {
  const first = notRead.slice(0, named).map(visibleName).join(', ');
  const more = notRead.length > named ? ` and ${notRead.length - named} more, in BACKUP.json` : '';
  return `Not read: ${first}${more}. Back up again to try those once more.`;
}
