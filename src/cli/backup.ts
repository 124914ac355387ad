import path from 'node:path';
import { UserError } from '../core/errors.ts';
import { byteText, count, pricePerHour } from '../core/words/index.ts';
import { backup, type BackupReport } from '../core/volumes/backup.ts';
import { routeKinds } from '../core/volumes/plan/index.ts';
import { confirm } from './ask.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { projectOf } from './plan.ts';
import { printable } from './style.ts';

export interface BackupCommandOptions extends GlobalOptions {
  profile?: string;
  into?: string;
  route?: string;
  only?: string[];
  yes?: boolean;
  json?: boolean;
}

const shown = 10;

/** Brings everything of a project on its volume home. */
export async function backupCommand(file: string | undefined, options: BackupCommandOptions): Promise<number> {
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  const route = routeKinds.find((kind) => kind === options.route);
  try {
    if (options.route !== undefined && route === undefined) {
      throw new UserError('route-unknown', {
        what: `There is no route "${options.route}".`,
        next: `Use one of: ${routeKinds.join(', ')}.`,
      });
    }
    const installation = await makeInstallation(options);
    const loaded = await projectOf(file, options.profile);
    const into = path.resolve(options.into ?? path.join(loaded.root, 'runpod-backup', loaded.project.name));
    const report = await backup(installation, {
      loaded,
      into,
      route,
      patterns: options.only,
      confirm: async (offer) => {
        const price = pricePerHour(offer.costPerHour, installation.client.free);
        await confirm(`Rent a ${offer.label} (${price}) for the time of the backup?`, options.yes === true);
        return true;
      },
      onEvent: output.onEvent,
      signal: interrupt.signal,
    });
    if (report === undefined) {
      return exitCodes.cancelled;
    }
    output.result({ type: 'backup', into, ...report }, reportText(report, into));
    return report.notRead.length === 0 ? exitCodes.succeeded : exitCodes.failed;
  } finally {
    interrupt.stop();
  }
}

function reportText(report: BackupReport, into: string): string {
  const { fetched, unchanged, files, bytes, notRead, volume, route } = report;
  return [
    `Backup    ${count(files, 'file')} (${byteText(bytes)}) of ${report.project} lie in ${into}.`,
    `Fetched   ${count(fetched.files, 'file')} (${byteText(fetched.bytes)}) over ${route} from ${volume.name} in ${volume.dataCenter}; ${unchanged} were here already.`,
    ...notRead.slice(0, shown).map((line) => `Not read  ${line}`),
    ...(notRead.length > shown ? [`Not read  … and ${notRead.length - shown} more: BACKUP.json.`] : []),
  ]
    .map(printable)
    .join('\n');
}
